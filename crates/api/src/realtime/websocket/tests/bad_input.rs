//! What no client should send.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use actix_web::{FromRequest as _, dev, test::TestRequest, web};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Fixture, TIME_LIMIT};
use crate::realtime::{
    self,
    commands::EventName,
    websocket::{
        reader::{ByteGauge, Reader},
        writer::{CloseReason, Outbox},
    },
};

#[actix_web::test]
async fn bad_input_ends_the_connection_it_came_on_and_no_other() {
    let fixture = Fixture::new().await;
    let mut healthy = fixture.enter("s1").await;
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(1_000_000));
    let table = [
        (Message::text("{"), 4400),
        (Message::text(r#"{"event":"a","id":[]}"#), 4400),
        (Message::binary(vec![1, 2]), 1003),
        (Message::text(long), 1009),
    ];
    for (message, code) in table {
        let mut client = fixture.enter("c1").await;
        // The server may close before it has read all of it.
        match client.0.send(message).await {
            Ok(()) | Err(Error::Io(_) | Error::Protocol(_)) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(client.closed_with().await.0, code);
    }
    let answer = healthy.ask("leave-conversation", json!({ "conversationId": "c" })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn a_header_that_announces_gigabytes_is_not_believed() {
    let fixture = Fixture::new().await;
    let mut connection = fixture.enter("c1").await.0.into_inner();
    let mut header = vec![0x81, 0xff];
    header.extend(10_000_000_000_u64.to_be_bytes());
    header.extend([0; 4]);
    connection.write_all(&header).await.expect("the server reads");
    // A little more than one message may have, and nothing like what was announced.
    connection.write_all(&vec![b'x'; 1_200_000]).await.expect("the server reads");
    let mut received = Vec::new();
    let closed = tokio::time::timeout(TIME_LIMIT, connection.read_to_end(&mut received)).await;
    closed.expect("closed in time").expect("closed in order");
    assert!(received.ends_with(b"message_too_big"));
}

#[actix_web::test]
async fn before_it_says_who_it_is_a_client_is_brief() {
    let fixture = Fixture::new().await;
    let auth = |bytes: usize| {
        let line =
            json!({ "event": "auth", "data": { "token": "c1", "x": "" }, "id": 1 }).to_string();
        line.replace(r#""x":"""#, &format!(r#""x":"{}""#, "x".repeat(bytes - line.len())))
    };
    for (line, code) in
        [(auth(16 * 1024 + 1), 1009), (format!(r#"{{"event":"{}"}}"#, "x".repeat(1_024)), 1009)]
    {
        let mut client = fixture.open().await;
        client.say(&line).await;
        assert_eq!(client.closed_with().await.0, code, "{} bytes", line.len());
    }
    let mut client = fixture.open().await;
    client.say(&auth(16 * 1024)).await;
    assert_eq!(client.line(|line| line["ack"] == 1).await["ok"], true);
}

#[actix_web::test]
async fn an_event_that_is_too_large_is_refused_by_name_and_the_connection_goes_on() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    let payload = json!({ "clientMessageId": "k1", "content": "x".repeat(900_000) });
    client.say(&json!({ "event": "send-message", "data": payload }).to_string()).await;
    assert_eq!(
        client.event("error").await["data"],
        json!({
            "message": "Événement trop volumineux", "code": "payload_too_large",
            "event": "send-message", "clientMessageId": "k1",
        })
    );
    let answer = client.ask("send-message", payload).await;
    assert_eq!(answer["error"]["code"], "payload_too_large");
    let answer = client.ask("leave-conversation", json!({ "conversationId": "c" })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn an_event_for_which_there_is_no_room_is_told_when_to_come_again() {
    let settings = realtime::Settings { events_per_person_bytes_max: 1_000, ..Default::default() };
    let fixture = Fixture::with(settings).await;
    let mut client = fixture.enter("c1").await;
    let payload = json!({ "conversationId": "c", "x": "x".repeat(1_000) });
    let answer = client.ask("leave-conversation", payload).await;
    assert_eq!(answer["error"]["code"], "busy");
    assert_eq!(answer["error"]["retryAfterMs"], 1_000);
    for _ in 0..20 {
        let answer = client.ask("leave-conversation", json!({ "conversationId": "c" })).await;
        assert_eq!(answer["ok"], true, "each gives its room back");
    }
}

const HALF: &str = "content contient la moitié d'un caractère (demi-codet UTF-16 isolé)";

#[actix_web::test]
async fn half_a_character_is_refused_by_name_and_the_connection_goes_on() {
    let fixture = Fixture::new().await;
    let mut client = fixture.open().await;
    client.say(r#"{"event":"auth","data":{"token":"c1","recovery":"\ud83d"}}"#).await;
    let event = client.event("error").await;
    assert_eq!(
        (&event["data"]["code"], &event["data"]["event"]),
        (&json!("validation_failed"), &json!("auth"))
    );
    let answer = client.ask("auth", json!({ "token": "c1" })).await;
    assert_eq!(answer["ok"], true, "it may say it again");

    let data = r#"{"conversationId":"c","content":"a\ud83d","clientMessageId":"k1"}"#;
    client.say(&format!(r#"{{"event":"send-message","data":{data}}}"#)).await;
    assert_eq!(
        client.event("error").await["data"],
        json!({
            "message": "Erreur lors de l'envoi du message", "code": "validation_failed",
            "event": "send-message", "details": [HALF], "clientMessageId": "k1",
        })
    );
    for event in EventName::all() {
        client.say(&format!(r#"{{"event":"{}","id":5,"data":{data}}}"#, event.as_str())).await;
        let answer = client.line(|line| line["ack"] == 5).await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{event:?}");
        assert_eq!(answer["error"]["details"], json!([HALF]), "{event:?}");
    }
    client.say(r#"{"event":"send-message","id":"\ud83d","data":{"clientMessageId":"k2"}}"#).await;
    assert_eq!(client.event("error").await["data"]["clientMessageId"], "k2");
    let answer = client.ask("leave-conversation", json!({ "conversationId": "c" })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn a_message_that_is_refused_says_which_and_why() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    let data = json!({ "conversationId": "c", "content": " \u{200b}", "clientMessageId": "k1" });
    client.say(&json!({ "event": "send-message", "data": data }).to_string()).await;
    let event = client.event("error").await;
    assert_eq!(event["data"]["message"], "Erreur lors de l'envoi du message");
    assert_eq!(event["data"]["clientMessageId"], "k1");
    let why = [
        "Le message doit contenir au moins 1 caractère",
        "Le contenu du message ne peut pas être vide",
    ];
    assert_eq!(event["data"]["details"], json!(why));
    let answer = client.ask("send-message", data).await;
    assert_eq!(answer["error"]["details"], event["data"]["details"], "as the acknowledgement");
}

#[actix_web::test]
async fn a_field_that_is_nested_beyond_reason_is_refused_by_name() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    let deep = format!("{}{}", "[".repeat(130), "]".repeat(130));
    client
        .say(&format!(r#"{{"event":"sync","id":5,"data":{{"conversations":{deep},"x":{deep}}}}}"#))
        .await;
    let answer = client.line(|line| line["ack"] == 5).await;
    assert_eq!(answer["error"]["code"], "validation_failed");
    assert_eq!(
        answer["error"]["details"],
        json!(["conversations est illisible"]),
        "and x is skipped"
    );
}

#[actix_web::test]
async fn a_field_that_is_there_twice_is_refused_when_one_of_them_cannot_be_read() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    for content in
        [r#""content":"a\ud83d","content":"ok""#, r#""content":"ok","content":"a\ud83d""#]
    {
        let data = format!(r#"{{"conversationId":"c",{content}}}"#);
        client.say(&format!(r#"{{"event":"send-message","id":5,"data":{data}}}"#)).await;
        let answer = client.line(|line| line["ack"] == 5).await;
        assert_eq!(answer["error"]["code"], "validation_failed");
        assert_eq!(answer["error"]["details"], json!([HALF]));
    }
}

/// Nothing is sent here, as to a client that reads nothing.
#[actix_web::test]
async fn a_client_that_has_not_said_who_it_is_fills_no_memory_with_answers() {
    let socket = socketio::Config {
        mailbox_messages: 8,
        connect_timeout_ms: 50,
        ..socketio::Config::default()
    };
    let fixture = Fixture::with(realtime::Settings { socket, ..Default::default() }).await;
    let context = fixture.test_app.api.plain.inner.context.clone();
    let line = br#"{"event":"auth","data":{"token":"\ud83d"}}"#;
    // The head of a masked text, and a mask that changes nothing.
    let head = [0x81, 0x80 | u8::try_from(line.len()).expect("short"), 0, 0, 0, 0];
    let frame = Bytes::from([&head[..], &line[..]].concat());
    let frames = stream::iter(vec![frame; 1_000]).map(Ok).chain(stream::pending());
    let request = TestRequest::default()
        .insert_header(("upgrade", "websocket"))
        .insert_header(("connection", "upgrade"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
        .to_http_request();
    let mut payload: dev::Payload = dev::Payload::Stream { payload: Box::pin(frames) };
    let payload = web::Payload::from_request(&request, &mut payload).await.expect("a payload");
    let (_response, _session, stream) = actix_ws::handle(&request, payload).expect("a handshake");
    let outbox = Arc::new(Outbox::new(8, 1_000_000));
    let reader = Reader {
        context,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        stream: stream.aggregate_continuations(),
        gauge: ByteGauge::default(),
        outbox: outbox.clone(),
    };
    reader.listen().await;
    assert_eq!(outbox.close_reason(), Some(CloseReason::BAD_MESSAGE));
    assert_eq!(std::iter::from_fn(|| outbox.pop()).count(), 3, "the third refusal is the last");
}
