//! WebSocket messages: limits, fragments, control frames and close codes.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use socketio::Config;
use support::{Client, TestServer, default_heartbeat};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

const MAX: usize = 2_000;

fn small() -> TestServer {
    TestServer::start(echo::server(Config { max_payload_bytes: MAX, ..default_heartbeat() }))
}

/// A message that is echoed, of exactly `bytes` bytes.
fn padded(bytes: usize) -> String {
    let (head, tail) = (r#"42["message",""#, r#""]"#);
    let padding = "x".repeat(bytes - head.len() - tail.len());
    format!("{head}{padding}{tail}")
}

async fn fragment(client: &mut Client, bytes: &[u8], kind: Data, is_last: bool) {
    let frame = Frame::message(bytes.to_vec(), OpCode::Data(kind), is_last);
    client.send(Message::Frame(frame)).await;
}

#[actix_web::test]
async fn a_message_of_exactly_the_limit_passes() {
    let server = small();
    let mut client = server.connect_echo().await;
    client.send_text(&padded(MAX)).await;
    assert!(client.receive_text().await.starts_with(r#"42["message-back","xxx"#));
}

#[actix_web::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let server = small();
    let mut client = server.connect_echo().await;
    client.send_text(&padded(MAX + 1)).await;
    assert_eq!(client.closed_with().await, Some(1009));
}

#[actix_web::test]
async fn a_frame_that_announces_gigabytes_is_refused_at_once() {
    let server = small();
    let mut client = server.connect_echo().await;
    let mut announcement = vec![0x82, 0xFF];
    announcement.extend((1_u64 << 40).to_be_bytes());
    announcement.extend([0; 4]);
    write_raw(&mut client, &announcement).await;
    assert_eq!(client.closed_with().await, Some(1009));
}

#[actix_web::test]
async fn the_limit_counts_the_whole_of_a_fragmented_message() {
    let server = small();
    let mut client = server.connect_echo().await;
    let message = padded(MAX + 1);
    let (head, tail) = message.as_bytes().split_at(MAX / 2);
    fragment(&mut client, head, Data::Text, false).await;
    fragment(&mut client, tail, Data::Continue, true).await;
    assert_eq!(client.closed_with().await, Some(1009));
}

#[actix_web::test]
async fn fragments_are_put_together_even_inside_a_character_and_around_a_ping() {
    let server = small();
    let mut client = server.connect_echo().await;
    let message = r#"42["message","é"]"#.as_bytes();
    let inside = message.len() - 3;
    fragment(&mut client, &message[..inside], Data::Text, false).await;
    client.send(Message::Ping("between".into())).await;
    fragment(&mut client, &message[inside..], Data::Continue, true).await;
    assert_eq!(client.next().await, Message::Pong("between".into()));
    assert_eq!(client.receive_text().await, r#"42["message-back","é"]"#);
}

#[actix_web::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    for parts in [1, 2] {
        let server = small();
        let mut client = server.connect_echo().await;
        let message = b"42[\"message\",\"\xff\"]";
        if parts == 1 {
            fragment(&mut client, message, Data::Text, true).await;
        } else {
            fragment(&mut client, &message[..5], Data::Text, false).await;
            fragment(&mut client, &message[5..], Data::Continue, true).await;
        }
        assert_eq!(client.closed_with().await, Some(1007), "{parts} parts");
    }
}

#[actix_web::test]
async fn a_protocol_ping_is_answered_with_its_own_bytes() {
    let server = small();
    let mut client = server.connect_echo().await;
    client.send(Message::Ping("are you there?".into())).await;
    let answer = Message::Pong("are you there?".into());
    assert_eq!(client.next().await, answer);
}

#[actix_web::test]
async fn an_oversized_control_frame_closes_with_1002() {
    let server = small();
    let mut client = server.connect_echo().await;
    let mut ping = vec![0x89, 0xFE];
    ping.extend(126_u16.to_be_bytes());
    ping.extend([0; 4 + 126]);
    write_raw(&mut client, &ping).await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn an_unannounced_binary_message_closes_the_session() {
    let server = small();
    let mut client = server.connect_echo().await;
    client.send_bytes(&[1, 2, 3]).await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn attachments_may_not_outgrow_a_packet() {
    let server =
        TestServer::start(echo::server(Config { max_packet_bytes: 100, ..default_heartbeat() }));
    let mut client = server.connect_echo().await;
    client.send_text(r#"452-["message"]"#).await;
    client.send_bytes(&[0; 60]).await;
    client.send_bytes(&[0; 60]).await;
    assert_eq!(client.closed_with().await, Some(1002));
}

async fn write_raw(client: &mut Client, bytes: &[u8]) {
    use tokio::io::AsyncWriteExt as _;
    let stream = client.stream.get_mut();
    stream.write_all(bytes).await.expect("written");
    stream.flush().await.expect("flushed");
}
