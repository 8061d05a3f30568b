//! What is sent before a password, seen from the server's side.

use std::net::SocketAddr;

use domain::{conversation::store::LogStore, ports::StoreError};
use storage_pg::{PgStore, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The code of `SSLRequest` (PostgreSQL 17, section 53.7).
const SSL_REQUEST: u32 = 80_877_103;
/// "Let us conversation, version 3.0", in the clear (`StartupMessage`).
const STARTUP: u32 = 196_608;

/// A server that answers the wish to encrypt with `answer`. Brings the code of each connection's
/// first message in the clear, until the client gives up.
async fn codes_seen(mode: &str, answer: &'static [u8]) -> (Vec<u32>, Result<(), StoreError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let ping = tokio::spawn(ping(address, mode.to_owned()));
    let mut codes = Vec::new();
    tokio::pin!(ping);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                converse(stream, answer, &mut codes).await;
            }
            outcome = &mut ping => break (codes, outcome.expect("no panic")),
        }
    }
}

async fn ping(address: SocketAddr, mode: String) -> Result<(), StoreError> {
    let url = format!("postgres://u:geheim@{address}/messaging?sslmode={mode}");
    let store = PgStore::new(&Settings::new(url)).expect("good settings");
    store.ping().await
}

async fn converse(mut stream: TcpStream, answer: &[u8], codes: &mut Vec<u32>) {
    while let Ok(length) = stream.read_u32().await {
        let code = stream.read_u32().await.expect("a code follows the length");
        codes.push(code);
        let mut rest = vec![0; length as usize - 8];
        stream.read_exact(&mut rest).await.expect("as long as it says");
        if code != SSL_REQUEST {
            break;
        }
        stream.write_all(answer).await.expect("the client listens");
        if answer != b"N" {
            break;
        }
    }
}

#[tokio::test]
async fn without_encryption_nothing_is_said_where_it_is_required() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let (codes, outcome) = codes_seen(mode, b"N").await;
        assert_eq!(codes, [SSL_REQUEST], "{mode}");
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{mode}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_checked_is_refused_where_encryption_is_required() {
    let (codes, outcome) = codes_seen("require", b"S no handshake").await;
    assert_eq!(codes, [SSL_REQUEST]);
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn preferring_encryption_goes_on_without_it() {
    let (codes, _) = codes_seen("prefer", b"N").await;
    assert_eq!(codes, [SSL_REQUEST, STARTUP]);
    let (codes, _) = codes_seen("prefer", b"S no handshake").await;
    assert_eq!(codes, [SSL_REQUEST, STARTUP]);
}

#[tokio::test]
async fn disabled_encryption_is_not_asked_for() {
    let (codes, _) = codes_seen("disable", b"S").await;
    assert_eq!(codes, [STARTUP]);
}
