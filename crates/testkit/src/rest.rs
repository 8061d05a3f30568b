//! A client of the REST interface.

use std::net::IpAddr;

use reqwest::{Client, Method, Response, header::HeaderMap};
use serde_json::Value;

use crate::{Fault, database, wait::within};

/// An HTTP client for one server, with or without a token.
#[derive(Clone, Debug)]
pub struct Rest {
    http: Client,
    url: String,
    token: Option<String>,
}

/// A response of the server.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: `Null` when there is none, a string when it is not JSON.
    pub body: Value,
}

impl Rest {
    /// An anonymous client for the server at this address.
    pub fn new(url: &str) -> Self {
        Self { http: Client::new(), url: url.trim_end_matches('/').to_owned(), token: None }
    }

    /// An anonymous client that connects from this address of this machine.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn from_address(url: &str, address: IpAddr) -> Result<Self, Fault> {
        let http = Client::builder().local_address(address).build();
        let http = http.map_err(Fault::while_doing("build an HTTP client"))?;
        Ok(Self { http, ..Self::new(url) })
    }

    /// The same client with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When there is no response; a response with any status is `Ok`.
    pub async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.call("GET", path, None).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Fault> {
        self.call("POST", path, Some(body)).await
    }

    /// `PATCH path` with a JSON body.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer, Fault> {
        self.call("PATCH", path, Some(body)).await
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn delete(&self, path: &str) -> Result<Answer, Fault> {
        self.call("DELETE", path, None).await
    }

    /// Any method, with a JSON body or none.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        let body = body.map(|body| body.to_string().into_bytes());
        let headers: &[_] = match body {
            Some(_) => &[("content-type", "application/json")],
            None => &[],
        };
        self.send(method, path, headers, body.unwrap_or_default()).await
    }

    /// Any request: these headers and exactly these bytes.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Fault> {
        let what = format!("{method} {path}");
        let method =
            Method::from_bytes(method.as_bytes()).map_err(Fault::while_doing(what.clone()))?;
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let exchange = async { Answer::read(request.body(body).send().await?).await };
        within(&what, exchange).await?.map_err(Fault::while_doing(what.clone()))
    }
}

/// A response with its raw body.
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

/// `GET` of a full URL without a token, as a page fetches a picture.
///
/// # Errors
/// When there is no response; a response with any status is `Ok`.
pub async fn fetch(url: &str) -> Result<Fetched, Fault> {
    let exchange = async {
        let response = Client::new().get(url).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Fetched { status, headers, bytes: response.bytes().await?.to_vec() })
    };
    let fetched: Result<_, reqwest::Error> = within("a file", exchange).await?;
    fetched.map_err(Fault::while_doing("fetch a file"))
}

impl Answer {
    async fn read(response: Response) -> Result<Self, reqwest::Error> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Self { status, headers, body })
    }

    /// The error code in the body; empty when there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// One header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, if the status is the one expected.
    ///
    /// # Errors
    /// When it is another; shows the response.
    pub fn expect(self, status: u16) -> Result<Value, Fault> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(Fault::new(format!("expected status {status}, found {} {}", self.status, self.body)))
    }
}

// A file in a multipart form (RFC 7578).

/// A file to upload in a form.
#[derive(Clone, Debug)]
pub struct FormFile<'a> {
    /// The file name.
    pub name: &'a str,
    /// The media type sent by the browser.
    pub media_type: &'a str,
    /// The content.
    pub bytes: &'a [u8],
}

impl FormFile<'_> {
    /// Uploads it as the part `file` of a form.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn post(&self, rest: &Rest, path: &str) -> Result<Answer, Fault> {
        let boundary = database::id("boundary");
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
