//! Entry points of the fuzz targets: what strangers and clients send, as far as it is read without a store. Each
//! must return for every input; a panic is a finding.

use actix_web::web::Bytes;

use crate::{http, realtime};

/// An event of a client: its name, a line feed, its payload. Both front doors read the same of it. Without a line
/// feed, a line of the plain front door.
///
/// # Panics
/// If they do not.
pub fn events(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match text.split_once('\n') {
        Some((name, payload)) => realtime::fuzz_event(name, payload),
        None => realtime::fuzz_frame(text),
    }
}

/// A multipart form with the boundary `b`, in chunks as long as its first byte says.
///
/// # Panics
/// If more is read than was sent.
pub fn multipart(input: &[u8]) {
    let Some((step, form)) = input.split_first() else { return };
    let chunks = form.chunks(usize::from(*step).max(1)).map(Bytes::copy_from_slice).collect();
    run(http::fuzz_form(chunks));
}

/// A mail as it comes to the webhook: multipart with the boundary `b` if it begins with it, else URL-encoded.
pub fn mail(input: &[u8]) {
    let is_url_encoded = !input.starts_with(b"--b");
    run(http::fuzz_mail(Bytes::copy_from_slice(input), is_url_encoded));
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future);
}

#[cfg(test)]
mod tests {
    //! Replays the corpus.

    use std::{fs, path::Path};

    fn replay(target: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files: Vec<_> = fs::read_dir(folder).expect("a corpus").collect();
        assert!(!files.is_empty());
        for file in files {
            run(&fs::read(file.expect("an entry").path()).expect("a readable file"));
        }
    }

    #[test]
    fn every_event_of_the_corpus_is_read_alike_by_both_front_doors() {
        replay("events", super::events);
    }

    #[test]
    fn every_form_of_the_corpus_is_survived() {
        replay("multipart", super::multipart);
    }

    #[test]
    fn every_mail_of_the_corpus_is_survived() {
        replay("mail", super::mail);
    }
}
