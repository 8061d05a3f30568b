//! Bytes that are no HTTP request. They are counted, and summed up in one line a minute.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::findings::{Findings, Size};
use crate::{Fault, test_app::TestApp};

const REQUESTS: [&[u8]; 7] = [
    b"nothing of ours\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
    b"POST /messaging/conversations HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzzz\r\n",
];
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than the minute of which one line tells.
const SUMMARY: Duration = Duration::from_secs(70);

/// What the line of a summary says.
const SUMMARY_TEXT: &str = "caused by clients in the last minute";

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let to = app.server.address();
    let (count, started) = (size.pick(210, 21_000), Instant::now());
    let before = Lines::of(&app.server.log()?);
    let requests = (0..count).map(|number| REQUESTS[number % REQUESTS.len()]);
    let ended = stream::iter(requests).map(|request| send(to, request)).buffer_unordered(AT_ONCE);
    let ended = ended.filter(|ended| std::future::ready(*ended)).count().await;
    let mut findings = Findings::default();
    findings.exactly("malformed requests: connection closed", ended, count as u64);
    if matches!(size, Size::Full { .. }) {
        sleep(SUMMARY).await;
    }
    let lines = Lines::of(&app.server.log()?);
    findings.exactly("log lines at level ERROR", lines.errors, 0);
    findings.exactly("other log lines", lines.others - before.others, 0);
    let minutes = started.elapsed().as_secs().div_ceil(60) + 1;
    findings.at_most("lines that sum up", lines.summaries - before.summaries, minutes);
    if matches!(size, Size::Full { .. }) {
        findings.at_least("lines that sum up, at least", lines.summaries - before.summaries, 1);
    }
    app.anonymous().get("/health/live").await?.expect(200)?;
    Ok(findings)
}

/// Whether the server closed the connection.
async fn send(to: SocketAddr, request: &[u8]) -> bool {
    let exchange = async {
        let mut connection = TcpStream::connect(to).await?;
        connection.write_all(request).await?;
        // What is not whole yet ends here.
        connection.shutdown().await?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await
    };
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == std::io::ErrorKind::ConnectionReset,
        Err(_) => false,
    }
}

/// The lines of a log.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    errors: usize,
    summaries: usize,
    others: usize,
}

impl Lines {
    fn of(log: &str) -> Self {
        let mut lines = Self::default();
        for line in log.lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            match (record["level"].as_str(), record["message"].as_str()) {
                (Some("ERROR"), _) => lines.errors += 1,
                (_, Some(SUMMARY_TEXT)) => lines.summaries += 1,
                _ => lines.others += 1,
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let log = [
            r#"{"level":"ERROR","message":"a fault"}"#,
            r#"{"level":"INFO","message":"caused by clients in the last minute","events":"3 x a"}"#,
            r#"{"level":"WARN","message":"slow"}"#,
            "no record",
        ];
        let lines = Lines::of(&log.join("\n"));
        assert_eq!((lines.errors, lines.summaries, lines.others), (1, 1, 2));
    }
}
