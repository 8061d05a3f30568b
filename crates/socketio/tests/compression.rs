//! permessage-deflate: negotiation and compressed messages.

#[path = "../examples/echo/bare.rs"]
mod echo;
mod support;

use socketio::Config;
use support::{
    TestServer, default_heartbeat,
    frames::{Frame, FrameClient, deflate, inflate},
};

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const TEXT: u8 = 0x81;
const COMPRESSED_TEXT: u8 = 0xC1;
const CLOSE: u8 = 0x88;

fn server(compression: bool) -> TestServer {
    let config = Config { compression, max_payload_bytes: 50_000, ..default_heartbeat() };
    TestServer::start_at("/engine.io/", echo::server(config))
}

fn long() -> Vec<u8> {
    [b"4".as_slice(), &b"hello ".repeat(1_000)].concat()
}

#[actix_web::test]
async fn it_is_off_unless_the_application_turns_it_on() {
    assert!(!Config::default().compression);
    let server = server(false);
    let mut client = FrameClient::open(&server, OFFER).await;
    assert!(!client.response.contains("sec-websocket-extensions"), "{}", client.response);
    client.send(TEXT, &long()).await;
    assert_eq!(client.receive().await, Frame { first: TEXT, payload: long() });
    client.send(COMPRESSED_TEXT, &deflate(b"4x")).await;
    let end = client.receive().await;
    assert_eq!((end.first, &end.payload[..]), (CLOSE, &1002_u16.to_be_bytes()[..]));
}

#[actix_web::test]
async fn an_offer_is_accepted_without_memory_from_message_to_message() {
    let server = server(true);
    let client = FrameClient::open(&server, OFFER).await;
    let accepted = "sec-websocket-extensions: permessage-deflate; \
        server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(client.response.contains(accepted), "{}", client.response);
}

#[actix_web::test]
async fn an_offer_that_asks_too_much_is_declined() {
    let server = server(true);
    let mut client =
        FrameClient::open(&server, "permessage-deflate; server_max_window_bits=10").await;
    assert!(!client.response.contains("sec-websocket-extensions"), "{}", client.response);
    client.send(TEXT, &long()).await;
    assert_eq!(client.receive().await.first, TEXT);
}

#[actix_web::test]
async fn long_messages_are_compressed_both_ways_and_short_ones_are_not() {
    let server = server(true);
    let mut client = FrameClient::open(&server, OFFER).await;
    for _ in 0..3 {
        client.send(COMPRESSED_TEXT, &deflate(&long())).await;
        let echoed = client.receive().await;
        assert_eq!(echoed.first, COMPRESSED_TEXT);
        assert!(echoed.payload.len() < 200);
        assert_eq!(inflate(&echoed.payload), long());
        client.send(COMPRESSED_TEXT, &deflate(b"4short")).await;
        assert_eq!(client.receive().await, Frame { first: TEXT, payload: b"4short".to_vec() });
        client.send(TEXT, b"4plain").await;
        assert_eq!(client.receive().await.payload, b"4plain");
    }
}

#[actix_web::test]
async fn a_compressed_message_may_come_in_fragments_with_a_ping_between() {
    let server = server(true);
    let mut client = FrameClient::open(&server, OFFER).await;
    let message = deflate(&long());
    let (front, back) = message.split_at(message.len() / 2);
    client.send(0x41, front).await;
    client.send(0x89, b"there?").await;
    client.send(0x80, back).await;
    assert_eq!(client.receive().await, Frame { first: 0x8A, payload: b"there?".to_vec() });
    assert_eq!(inflate(&client.receive().await.payload), long());
}

#[actix_web::test]
async fn a_small_message_that_grows_beyond_the_limit_closes_with_1009() {
    let server = server(true);
    let mut client = FrameClient::open(&server, OFFER).await;
    let bomb = deflate(&b"4".repeat(50_001));
    assert!(bomb.len() < 500);
    client.send(COMPRESSED_TEXT, &bomb).await;
    let end = client.receive().await;
    assert_eq!((end.first, &end.payload[..]), (CLOSE, &1009_u16.to_be_bytes()[..]));
}
