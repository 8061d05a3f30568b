//! `HEAD` on the wire: the headers of `GET`, and no byte after them (RFC 9110, section 9.3.2).

use testkit::{Fault, fault::same, test_app::TestApp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// Everything that comes back on a connection of its own.
async fn exchange(app: &TestApp, method: &str, path: &str) -> Result<(String, String), Fault> {
    let url = app.server.url();
    let opened = TcpStream::connect(url.trim_start_matches("http://")).await;
    let mut stream = opened.map_err(Fault::while_doing("connect"))?;
    let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.map_err(Fault::while_doing("ask"))?;
    let mut answer = Vec::new();
    let read = testkit::wait::within(path, stream.read_to_end(&mut answer)).await?;
    read.map_err(Fault::while_doing("read the answer"))?;
    let answer = String::from_utf8_lossy(&answer);
    let parts = answer.split_once("\r\n\r\n").ok_or_else(|| Fault::new("half an answer"))?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

/// The lines that do not change from one answer to the next.
fn lasting(head: &str) -> Vec<&str> {
    let mut lines: Vec<_> = head
        .lines()
        .filter(|line| !line.starts_with("date:") && !line.starts_with("x-request-id:"))
        .collect();
    lines[1..].sort_unstable();
    lines
}

#[tokio::test]
async fn a_head_says_what_get_says_and_no_more() -> Result<(), Fault> {
    let app = TestApp::start(SERVER).await?;
    for path in ["/health/live", "/docs/", "/docs", "/docs/openapi.json", "/nowhere"] {
        let (get, content) = exchange(&app, "GET", path).await?;
        let (head, nothing) = exchange(&app, "HEAD", path).await?;
        // What is said of a path that is not there names the method.
        if path == "/nowhere" {
            assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        } else {
            same(path, lasting(&head), lasting(&get))?;
            let length = format!("content-length: {}", content.len());
            assert!(head.lines().any(|line| line == length), "{path}: {head}");
        }
        same(path, nothing, String::new())?;
    }
    Ok(())
}
