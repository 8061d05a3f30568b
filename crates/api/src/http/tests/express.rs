//! Leniency of Express that front ends may rely on.

use std::io::Write as _;

use actix_web::{http::Method, test::TestRequest};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use serde_json::json;

use super::{Fixture, ROUTES};
use crate::{
    Settings, http,
    testing::{CONVERSATIONS, TestApp, no_limits, request},
};

const TEXT: &str = r#"{"content":"Bonjour"}"#;
const MARK: &str = "\u{feff}";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

/// A request of `c1` to send a message with this body.
fn sending(conversation: &str, coding: &str, body: impl Into<Vec<u8>>) -> TestRequest {
    request(Method::POST, &format!("{conversation}/messages"), "c1")
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Content-Encoding", coding))
        .set_payload(body.into())
}

#[actix_web::test]
async fn a_slash_at_the_end_of_a_path_changes_nothing() {
    for route in ROUTES {
        let mut statuses = Vec::new();
        for end in ["", "/", "/?limit=5", "//"] {
            let fixture = Fixture::new().await;
            let path = fixture.path(route) + end;
            let asked = (route.body)(request(route.method.clone(), &path, "s1"));
            statuses.push(fixture.test_app.ask(asked).await.status.as_u16());
        }
        assert_eq!(statuses[1..], [statuses[0], statuses[0], 404], "{route}");
    }
}

#[actix_web::test]
async fn a_slash_at_the_end_grants_no_other_access() {
    let test_app = TestApp::new().await;
    let table = [
        ("/health/live/", "", 200),
        ("/docs/", "", 200),
        ("/docs/errors/unauthorized/", "", 200),
        ("/messaging/", "", 426),
        ("/socket.io/?EIO=4&transport=polling", "", 200),
        ("/socket.io?EIO=4&transport=polling", "", 200),
        ("/internal/retention/", "", 401),
        ("/internal/retention/", "s1", 403),
        ("/internal/retention/", "p1", 200),
        ("/internal/", "p1", 404),
        ("/", "s1", 404),
        ("//", "s1", 404),
    ];
    for (path, who, status) in table {
        assert_eq!(test_app.get(path, who).await.status, status, "{path} by {who:?}");
    }
    let answer = test_app.get("/nowhere/", "s1").await;
    assert_eq!(answer.json()["message"], "Cannot GET /nowhere/");
}

#[actix_web::test]
async fn nothing_else_in_a_path_is_normalised() {
    let fixture = Fixture::new().await;
    for path in [
        "/Messaging/Conversations".to_owned(),
        "//messaging/conversations".to_owned(),
        "/messaging//conversations".to_owned(),
        "/messaging/./conversations".to_owned(),
        "/messaging/x/../conversations".to_owned(),
        "/messaging/conversations;v=1".to_owned(),
        "/messaging%2Fconversations".to_owned(),
        "/Internal/retention".to_owned(),
        "//internal/retention".to_owned(),
        fixture.conversation.to_uppercase(),
    ] {
        assert_eq!(fixture.test_app.get(&path, "s1").await.status, 404, "{path}");
    }
    let spelt = fixture.conversation.replace("/messaging", "/%6dessaging");
    assert_eq!(fixture.test_app.get(&spelt, "s1").await.status, 200, "{spelt}");
}

#[actix_web::test]
async fn an_escaped_prefix_does_not_reach_the_internal_api() {
    let test_app = TestApp::new().await;
    for path in ["/%69nternal/retention", "/interna%6C/retention", "/%49nternal/retention"] {
        let answer = test_app.get(path, "p1").await;
        assert_eq!(answer.failure(), (404, "not_found".to_owned()), "{path}");
    }
    assert_eq!(test_app.get("/internal/%72etention", "p1").await.status, 200);
}

#[actix_web::test]
async fn of_a_field_that_comes_twice_the_last_counts_as_on_sockets() {
    let fixture = Fixture::new().await;
    let send =
        |body: &'static str| fixture.test_app.ask(sending(&fixture.conversation, "identity", body));
    let sent = send(r#"{"content":"Bonsoir","content":"Bonjour"}"#).await;
    assert_eq!((sent.status.as_u16(), &sent.json()["content"]), (201, &json!("Bonjour")));
    let refused = send(r#"{"content":"\ud83d","content":"Bonjour"}"#).await;
    assert_eq!(refused.status, 400, "what cannot be read is refused, wherever it stands");
    let refused = send(r#"{"content":"Bonjour","content":"\ud83d"}"#).await;
    assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
}

#[actix_web::test]
async fn a_body_may_begin_with_a_byte_order_mark() {
    let fixture = Fixture::new().await;
    let send =
        |body: String| fixture.test_app.ask(sending(&fixture.conversation, "identity", body));
    let sent = send(format!("{MARK}{TEXT}")).await;
    assert_eq!((sent.status.as_u16(), &sent.json()["content"]), (201, &json!("Bonjour")));
    for body in [format!("{MARK}{MARK}{TEXT}"), format!(" {MARK}{TEXT}")] {
        assert_eq!(send(body).await.failure(), (400, "malformed_body".to_owned()));
    }
    // The mark alone is an empty body.
    assert_eq!(send(MARK.to_owned()).await.failure(), (400, "validation_failed".to_owned()));
    assert_eq!(fixture.test_app.messages(&fixture.conversation).await, 2);
}

#[actix_web::test]
async fn json_may_be_compressed() {
    let fixture = Fixture::new().await;
    let marked = format!("{MARK}{TEXT}");
    let (begin, end) = TEXT.split_at(7);
    let in_two = [gzip(begin.as_bytes()), gzip(end.as_bytes())].concat();
    let table = [
        ("gzip", gzip(TEXT.as_bytes())),
        ("GZIP", gzip(TEXT.as_bytes())),
        ("x-gzip", gzip(TEXT.as_bytes())),
        ("gzip", gzip(marked.as_bytes())),
        ("gzip", in_two),
        ("deflate", zlib(TEXT.as_bytes())),
        ("identity", TEXT.into()),
        ("", TEXT.into()),
    ];
    for (coding, body) in table {
        let sent = fixture.test_app.ask(sending(&fixture.conversation, coding, body)).await;
        assert_eq!((sent.status.as_u16(), &sent.json()["content"]), (201, &json!("Bonjour")));
    }
    let whole = gzip(TEXT.as_bytes());
    let table = [
        ("gzip", TEXT.into()),
        ("gzip", whole[..12].to_vec()),
        ("gzip", whole[..whole.len() - 1].to_vec()),
        ("gzip", [&whole[..], b"behind it"].concat()),
        ("gzip", zlib(TEXT.as_bytes())),
        ("deflate", raw_deflate(TEXT.as_bytes())),
        ("deflate", TEXT.into()),
        ("identity", whole.clone()),
    ];
    let messages = fixture.test_app.messages(&fixture.conversation).await;
    for (coding, body) in table {
        let refused = fixture.test_app.ask(sending(&fixture.conversation, coding, body)).await;
        assert_eq!(refused.failure(), (400, "malformed_body".to_owned()), "{coding}");
    }
    assert_eq!(fixture.test_app.messages(&fixture.conversation).await, messages);
}

#[actix_web::test]
async fn what_a_compressed_body_becomes_is_bounded_too() {
    let http = http::Settings { json_body_max_bytes: 1_000, ..http::Settings::default() };
    let test_app =
        TestApp::with(Settings { http, limits: no_limits(), ..Settings::default() }).await;
    let conversation = test_app.open_conversation().await;
    let of = |bytes: usize| {
        let around = json!({"content": "", "padding": ""}).to_string().len() + 1;
        json!({"content": "x", "padding": "y".repeat(bytes - around)}).to_string()
    };
    for (coding, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("deflate", zlib)] {
        let table = [(1_000, 201), (1_001, 413), (900_000, 413)];
        for (bytes, status) in table {
            let body = pack(of(bytes).as_bytes());
            assert!(body.len() < 1_000, "{} bytes would be refused as they are", body.len());
            let answer = test_app.ask(sending(&conversation, coding, body)).await;
            assert_eq!(answer.status, status, "{coding}: {bytes}");
        }
    }
    let asked = request(Method::POST, CONVERSATIONS, "s1")
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Content-Encoding", "gzip"))
        .set_payload(gzip(of(900_000).as_bytes()));
    assert_eq!(test_app.ask(asked).await.failure(), (413, "payload_too_large".to_owned()));
}
