//! What no client should send.

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{PATIENCE, Stage};

#[actix_web::test]
async fn bad_input_ends_the_connection_it_came_on_and_no_other() {
    let stage = Stage::new().await;
    let mut healthy = stage.enter("s1").await;
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(1_000_000));
    let table = [
        (Message::text("{"), 4400),
        (Message::text(r#"{"event":"a","id":[]}"#), 4400),
        (Message::binary(vec![1, 2]), 1003),
        (Message::text(long), 1009),
    ];
    for (message, code) in table {
        let mut client = stage.enter("c1").await;
        // The server may close before it has read all of it.
        match client.0.send(message).await {
            Ok(()) | Err(Error::Io(_) | Error::Protocol(_)) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(client.farewell().await.0, code);
    }
    let answer = healthy.ask("leave-conversation", json!({ "conversationId": "c" })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn a_header_that_announces_gigabytes_is_not_believed() {
    let stage = Stage::new().await;
    let mut connection = stage.enter("c1").await.0.into_inner();
    let mut header = vec![0x81, 0xff];
    header.extend(10_000_000_000_u64.to_be_bytes());
    header.extend([0; 4]);
    connection.write_all(&header).await.expect("the server reads");
    // A little more than one message may have, and nothing like what was announced.
    connection.write_all(&vec![b'x'; 1_200_000]).await.expect("the server reads");
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut heard)).await;
    closed.expect("closed in time").expect("closed in order");
    assert!(heard.ends_with(b"message_too_big"));
}
