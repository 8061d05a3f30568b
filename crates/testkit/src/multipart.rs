//! One file as a form sends it (RFC 7578).

use crate::{Fault, fresh, rest::Answer, rest::Rest};

/// A file that somebody chose in a form.
#[derive(Clone, Debug)]
pub struct FormFile<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What the browser takes it for.
    pub media_type: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl FormFile<'_> {
    /// Sends it as the part `file` of a form.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, rest: &Rest, path: &str) -> Result<Answer, Fault> {
        let boundary = fresh::id("boundary");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        rest.send("POST", path, &[("content-type", &content_type)], self.body(&boundary)).await
    }

    fn body(&self, boundary: &str) -> Vec<u8> {
        let Self { name, media_type, bytes } = self;
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        [head.as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
    }
}
