//! Mailgun, played by a listener that answers as it is told.

use domain::mail::store::{DeliveryError, MailSender};
use mailer::{Mailgun, Settings, TransportSettings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::emails::{email_to, mailer, settings};

fn transport(port: u16) -> TransportSettings {
    TransportSettings::Mailgun(Mailgun {
        domain: "mg.example.org".to_owned(),
        api_key: "key-s3cret".into(),
        base_url: format!("http://127.0.0.1:{port}"),
    })
}

/// Takes one request and gives this answer; the request can be had afterwards.
async fn answering(answer: &str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let request = request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("they listen");
        request
    });
    (port, request)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        stream.read_buf(&mut request).await.expect("readable");
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        if body.len() >= length {
            return text;
        }
    }
}

async fn outcome(answer: &str) -> Result<(), DeliveryError> {
    let (port, _request) = answering(answer).await;
    mailer(&settings(transport(port))).deliver(&email_to("lea@example.org")).await
}

#[tokio::test]
async fn mailgun_gets_the_very_mail_and_is_told_to_track_nobody() {
    let (port, request) = answering("200 OK").await;
    let mailer = mailer(&settings(transport(port)));
    mailer.deliver(&email_to("lea@example.org")).await.expect("taken");
    let request = request.await.expect("a request");
    assert!(request.starts_with("POST /v3/mg.example.org/messages.mime HTTP/1.1\r\n"), "{request}");
    // `api:key-s3cret`
    assert!(request.contains("authorization: Basic YXBpOmtleS1zM2NyZXQ=\r\n"));
    assert!(request.contains("name=\"to\"\r\n\r\nlea@example.org\r\n"));
    assert!(request.contains("name=\"o:tracking\"\r\n\r\nno\r\n"));
    assert!(request.contains("name=\"message\"; filename=\"mail.eml\""));
    assert!(
        request.contains("Message-ID: <0199c0de-0000-7000-8000-000000000001@mail.example.org>\r\n")
    );
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    for answer in ["400 Bad Request", "413 Payload Too Large"] {
        assert!(matches!(outcome(answer).await, Err(DeliveryError::Refused(_))), "{answer}");
    }
    // The account's trouble is not the mail's: it waits until somebody looked.
    for answer in [
        "401 Unauthorized",
        "402 Payment Required",
        "403 Forbidden",
        "404 Not Found",
        "408 Request Timeout",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
        "302 Found\r\nlocation: http://127.0.0.1:1/",
    ] {
        assert!(matches!(outcome(answer).await, Err(DeliveryError::Later(_))), "{answer}");
    }
}

#[tokio::test]
async fn mailgun_that_says_nothing_is_given_up_and_its_key_stays_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let hasty = Settings { delivery_timeout_ms: 300, ..settings(transport(port)) };
    let error = mailer(&hasty).deliver(&email_to("lea@example.org")).await.expect_err("silence");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
    drop(listener);
    let error = mailer(&hasty).deliver(&email_to("lea@example.org")).await.expect_err("nobody");
    let shown = format!("{error:?}");
    assert!(matches!(error, DeliveryError::Later(_)) && !shown.contains("s3cret"), "{shown}");
    assert!(!shown.contains("lea@"), "{shown}");
}
