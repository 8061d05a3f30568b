use std::fmt::Write as _;

use actix_web::{http::Method, test::TestRequest};
use domain::text::CONTENT_MAX_CHARS;
use serde_json::{Value, json};

use super::{ADDRESS, INBOUND, limited_test_app, stamp, test_app};
use crate::{
    http::tests::logs::Recording,
    limits::{self, Rate},
    testing::{Answer, TestApp, no_limits, part, reply_token, request, with_form},
};

/// A conversation with a message of the salon, about which `c1` got a mail.
struct Fixture {
    test_app: TestApp,
    conversation: String,
    token: String,
}

type Parts = Vec<(&'static str, String)>;

impl Fixture {
    async fn new() -> Self {
        Self::on(test_app().await).await
    }

    async fn on(test_app: TestApp) -> Self {
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "s1", "Samedi ?").await;
        let token = reply_token(&test_app, "c1").await;
        Self { test_app, conversation, token }
    }

    /// The fields of a valid reply, signed with `token`.
    fn reply(&self, token: &str) -> Parts {
        let own = [
            ("recipient", format!("reply+{}@reply.test", self.token)),
            ("sender", "bounces+c1@sender.test".to_owned()),
            ("from", format!("Camille <{ADDRESS}>")),
            ("subject", "Re: Nouveau message".to_owned()),
            ("body-plain", "Oui, à 14 h !\r\n\r\n> Samedi ?".to_owned()),
            ("stripped-text", "Oui, à 14 h !".to_owned()),
            ("message-headers", json!([["Message-Id", "<1@mail.test>"]]).to_string()),
        ];
        own.into_iter().chain(stamp(&self.test_app, token)).collect()
    }

    /// The same with another token and with `value` for the field `name`.
    fn with(&self, name: &str, value: &str) -> Parts {
        let length = value.len();
        let mut parts = self.reply(&format!("{name}-{length}"));
        let part = parts.iter_mut().find(|(known, _)| *known == name).expect("it is there");
        value.clone_into(&mut part.1);
        parts
    }

    async fn post(&self, parts: &Parts) -> Answer {
        self.test_app.ask(urlencoded(parts)).await
    }

    /// The messages of `c1`.
    async fn replies(&self) -> Vec<Value> {
        let page = self.test_app.get(&format!("{}/messages", self.conversation), "s1").await.json();
        let messages = page["data"].as_array().expect("a list").clone();
        messages.into_iter().filter(|message| message["sender"]["id"] == "c1").collect()
    }
}

fn urlencoded(parts: &Parts) -> TestRequest {
    let mut body = String::new();
    for (name, value) in parts {
        write!(body, "{name}=").expect("writing to a String does not fail");
        for byte in value.bytes() {
            write!(body, "%{byte:02X}").expect("writing to a String does not fail");
        }
        body.push('&');
    }
    request(Method::POST, INBOUND, "")
        .insert_header(("Content-Type", "application/x-www-form-urlencoded"))
        .set_payload(body)
}

fn multipart(parts: &Parts, file: &[u8]) -> TestRequest {
    let head = |rest: &str| format!("Content-Disposition: form-data; {rest}");
    // The file comes first, with the name of a field that is read.
    let mut body = part(&head("name=\"stripped-text\"; filename=\"bras.jpg\""), file);
    for (name, value) in parts {
        body.extend(part(&head(&format!("name=\"{name}\"")), value.as_bytes()));
    }
    with_form(request(Method::POST, INBOUND, ""), &body)
}

#[actix_web::test]
async fn a_reply_by_mail_is_a_message_of_the_recipient_of_the_mail() {
    let fixture = Fixture::new().await;
    let response = fixture.post(&fixture.reply("t1")).await;
    assert_eq!((response.status.as_u16(), response.is_empty()), (200, true));
    let replies = fixture.replies().await;
    assert_eq!(replies.len(), 1);
    assert_eq!(
        (&replies[0]["content"], &replies[0]["type"]),
        (&json!("Oui, à 14 h !"), &json!("TEXT"))
    );
    assert_eq!(fixture.test_app.unread("s1").await, 1);
}

#[actix_web::test]
async fn an_answer_with_files_is_posted_without_them_however_large_they_are() {
    let fixture = Fixture::new().await;
    let response = fixture.test_app.ask(multipart(&fixture.reply("t1"), &vec![7; 3_000_000])).await;
    assert_eq!(response.status, 200);
    let replies = fixture.replies().await;
    assert_eq!((replies.len(), &replies[0]["content"]), (1, &json!("Oui, à 14 h !")));
}

#[actix_web::test]
async fn a_reply_is_posted_once_however_often_it_is_delivered() {
    let fixture = Fixture::new().await;
    let first = fixture.reply("t1");
    assert_eq!(fixture.post(&first).await.status, 200);
    assert_eq!(fixture.post(&first).await.failure(), (406, "webhook_replayed".to_owned()));
    // Delivered again with a new stamp, as after a lost response or to another node.
    assert_eq!(fixture.post(&fixture.reply("t2")).await.status, 200);
    assert_eq!(fixture.replies().await.len(), 1);
}

#[actix_web::test]
async fn a_failed_reply_may_be_retried() {
    let fixture = Fixture::new().await;
    let reply = fixture.reply("t1");
    fixture.test_app.store.set_unavailable(true);
    assert_eq!(fixture.post(&reply).await.failure(), (503, "unavailable".to_owned()));
    fixture.test_app.store.set_unavailable(false);
    assert_eq!(fixture.post(&reply).await.status, 200);
    assert_eq!(fixture.replies().await.len(), 1);
}

#[actix_web::test]
async fn a_reply_beyond_the_limit_of_its_sender_is_to_be_brought_again() {
    let once = limits::Settings { sends_per_person: Some(Rate::new(1, 1)), ..no_limits() };
    let fixture = Fixture::on(limited_test_app(once).await).await;
    assert_eq!(fixture.post(&fixture.reply("t1")).await.status, 200);
    let second = fixture.reply("t2");
    // Also again with the same stamp: it was not executed.
    for _ in 0..2 {
        let refused = fixture.post(&second).await;
        assert!(refused.header("retry-after").is_some());
        assert_eq!(refused.failure(), (503, "busy".to_owned()));
    }
    assert_eq!(fixture.replies().await.len(), 1);
}

#[actix_web::test]
async fn a_reply_to_an_old_mail_is_refused_for_good() {
    let fixture = Fixture::new().await;
    fixture.test_app.clock.advance_millis(91 * 86_400_000);
    let refused = fixture.post(&fixture.reply("t1")).await;
    assert_eq!(refused.failure(), (406, "reply_refused".to_owned()));
    assert!(fixture.replies().await.is_empty());
}

#[actix_web::test]
async fn an_unacceptable_reply_is_refused_for_good() {
    let fixture = Fixture::new().await;
    let automatic = json!([["Message-Id", "<1@mail.test>"], ["Auto-Submitted", "auto-replied"]]);
    for (name, value) in [
        ("recipient", "reply+forged@reply.test"),
        ("recipient", "reply@reply.test"),
        ("from", "Camille <other@mail.test>"),
        ("from", "c1@mail.test <other@mail.test>"),
        ("sender", ""),
        ("message-headers", &automatic.to_string()),
        ("message-headers", "[]"),
        ("message-headers", "nonsense"),
    ] {
        let refused = fixture.post(&fixture.with(name, value)).await;
        let length = value.len();
        assert_eq!(refused.failure(), (406, "reply_refused".to_owned()), "{name} {length}");
    }
    assert!(fixture.replies().await.is_empty());
}

#[actix_web::test]
async fn a_reply_without_recognised_new_text_is_posted_with_its_whole_body() {
    let fixture = Fixture::new().await;
    let response = fixture.post(&fixture.with("stripped-text", " \r\n ")).await;
    assert_eq!((response.status.as_u16(), response.is_empty()), (200, true));
    assert_eq!(fixture.replies().await[0]["content"], "Oui, à 14 h !\n\n> Samedi ?");
    // A body of quotes only is empty.
    let mut empty = fixture.with("stripped-text", "");
    let body = empty.iter_mut().find(|(name, _)| *name == "body-plain").expect("it is there");
    "> Samedi ?\r\n".clone_into(&mut body.1);
    assert_eq!(fixture.post(&empty).await.failure(), (406, "reply_refused".to_owned()));
    assert_eq!(fixture.replies().await.len(), 1);
}

#[actix_web::test]
async fn an_overlong_reply_is_truncated_and_posted() {
    let fixture = Fixture::new().await;
    let long = format!("Oui\r\n> {}", "x".repeat(1_000_000));
    assert_eq!(fixture.post(&fixture.with("stripped-text", &long)).await.status, 200);
    let replies = fixture.replies().await;
    let content = replies[0]["content"].as_str().expect("a text");
    assert!(content.starts_with("Oui\n> xxx") && content.ends_with("x\n[…]"), "it is cut");
    assert_eq!(content.chars().count(), CONTENT_MAX_CHARS);
}

#[actix_web::test]
async fn a_truncated_header_is_refused() {
    let fixture = Fixture::new().await;
    let long = "x".repeat(262_144);
    let lines = json!([["Message-Id", "<1@mail.test>"], ["X-Long", long]]).to_string();
    let mut reply = fixture.with("message-headers", &lines);
    reply.push(("Message-Id", "<1@mail.test>".to_owned()));
    let refused = fixture.test_app.ask(multipart(&reply, b"")).await;
    assert_eq!(refused.failure(), (406, "reply_refused".to_owned()));
    // An overlong text is truncated, not refused.
    let long = fixture.with("stripped-text", &"x".repeat(300_000));
    assert_eq!(fixture.test_app.ask(multipart(&long, b"")).await.status, 200);
    assert_eq!(fixture.replies().await.len(), 1);
}

#[actix_web::test]
async fn a_file_is_no_field_however_its_name_is_written() {
    let fixture = Fixture::new().await;
    let head = "Content-Disposition: form-data; name=\"from\"; filename=\"L?a.txt\"";
    let mut body = part(head, b"Evil <evil@mail.test>");
    let at = body.iter().position(|byte| *byte == b'?').expect("it is there");
    // `é` in ISO 8859-1.
    body[at] = 0xe9;
    for (name, value) in fixture.reply("t1") {
        body.extend(part(
            &format!("Content-Disposition: form-data; name=\"{name}\""),
            value.as_bytes(),
        ));
    }
    let response = fixture.test_app.ask(with_form(request(Method::POST, INBOUND, ""), &body)).await;
    assert_eq!(response.status, 200);
}

#[actix_web::test]
async fn an_address_is_recognised_in_every_notation() {
    let fixture = Fixture::new().await;
    let person = json!({"role": "client", "email": "lea@café.fr"});
    assert_eq!(fixture.test_app.put("/internal/participants/c1", "p1", person).await.status, 204);
    for (number, from) in
        ["lea@café.fr (Léa)", "Léa <LEA@xn--caf-dma.fr>", "=?utf-8?q?L=C3=A9a?= <lea@CAFÉ.fr>"]
            .into_iter()
            .enumerate()
    {
        let mut reply = fixture.with("from", from);
        let header = reply.iter_mut().find(|(name, _)| *name == "message-headers");
        header.expect("it is there").1 =
            json!([["Message-Id", format!("<{number}@x>")]]).to_string();
        assert_eq!(fixture.post(&reply).await.status, 200, "{from}");
    }
    assert_eq!(fixture.replies().await.len(), 3);
    let other = fixture.post(&fixture.with("from", "lea@cafe.fr")).await;
    assert_eq!(other.failure(), (406, "reply_refused".to_owned()));
}

#[actix_web::test]
async fn a_forged_reply_is_refused_before_the_store_is_asked() {
    let fixture = Fixture::new().await;
    let mut without = fixture.reply("t1");
    without.retain(|(name, _)| *name != "signature");
    fixture.test_app.store.set_unavailable(true);
    for forged in [without, fixture.with("signature", "00"), fixture.with("token", "t2")] {
        let refused = fixture.post(&forged).await;
        assert_eq!(refused.failure(), (403, "webhook_forged".to_owned()));
    }
}

#[actix_web::test]
async fn a_form_must_be_valid_and_within_the_limits() {
    let fixture = Fixture::new().await;
    let ask = |content_type: &str, body: Vec<u8>| {
        request(Method::POST, INBOUND, "")
            .insert_header(("Content-Type", content_type.to_owned()))
            .set_payload(body)
    };
    let plain = "application/x-www-form-urlencoded";
    for (asked, status) in [
        (ask("application/json", b"{}".to_vec()), 415),
        (ask("multipart/form-data", b"x".to_vec()), 415),
        (ask(plain, vec![b'a'; 4_194_305]), 406),
        (ask(plain, b"a=\xff".to_vec()), 406),
        (ask("multipart/form-data; boundary=x", b"no form".to_vec()), 406),
        (multipart(&fixture.reply("t1"), &vec![7; 33_554_433]), 406),
    ] {
        assert_eq!(fixture.test_app.ask(asked).await.status, status);
    }
    assert!(fixture.replies().await.is_empty());
}

#[actix_web::test]
async fn a_refusal_is_logged_with_its_reason_and_without_the_mail() {
    let fixture = Fixture::new().await;
    let recording = Recording::start();
    fixture.post(&fixture.with("from", "Planted <planted@mail.test>")).await;
    fixture.post(&fixture.with("recipient", "reply+planted@reply.test")).await;
    fixture.post(&fixture.reply("planted")).await;
    let text = recording.stop();
    for reason in ["other_sender", "unknown_address", "a reply by mail was posted"] {
        assert_eq!(text.matches(reason).count(), 1, "{reason}: {text}");
    }
    for secret in ["lanted", "mail.test", "reply.test", "14 h", "Re: ", &fixture.token] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}

#[actix_web::test]
async fn markup_in_an_answer_is_text() {
    let fixture = Fixture::new().await;
    let words = "<script>alert(1)</script>";
    assert_eq!(fixture.post(&fixture.with("stripped-text", words)).await.status, 200);
    assert_eq!(fixture.replies().await[0]["content"], words);
}
