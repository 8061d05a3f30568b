//! Answers by mail, as Mailgun hands them over.

use aws_lc_rs::hmac;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use testkit::{Fault, fault::same, rest::Answer, smtp::Email};

use crate::{AT_ONCE, Fixture, Recipient};

const KEY: &str = "a-signing-key-of-webhooks";
const SETTINGS: [(&str, &str); 3] =
    [AT_ONCE, ("MAIL_REPLY_TO", "reply@mail.example.org"), ("MAILGUN_WEBHOOK_SIGNING_KEY", KEY)];

/// An answer as the mail provider forwards it.
struct Reply<'a> {
    from: &'a str,
    to: String,
    message_id: &'a str,
    words: &'a str,
    key: &'a str,
}

impl Reply<'_> {
    /// Hands it over under a stamp of its own.
    async fn deliver(&self, fixture: &Fixture, stamp: &str) -> Result<Answer, Fault> {
        let timestamp = now_s(fixture).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.as_bytes());
        let signature = hmac::sign(&key, format!("{timestamp}{stamp}").as_bytes());
        let signature = hex(signature.as_ref());
        let fields = [
            ("timestamp", timestamp.as_str()),
            ("token", stamp),
            ("signature", &signature),
            ("recipient", &self.to),
            ("sender", self.from),
            ("from", self.from),
            ("Message-Id", self.message_id),
            ("stripped-text", self.words),
        ];
        let pairs = fields.map(|(name, value)| format!("{name}={}", encoded(value)));
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = pairs.join("&").into_bytes();
        fixture.app.anonymous().send("POST", "/webhooks/mailgun/inbound", &form, body).await
    }
}

#[tokio::test]
async fn an_answer_by_mail_is_heard_live_by_the_salon_and_once() -> Result<(), Fault> {
    let (mut fixture, recipient) = start().await?;
    let mail = asked(&mut fixture, &recipient).await?;
    let mut salon = fixture.app.socket(&fixture.salon).await?;
    let here = json!({ "conversationId": recipient.conversation });
    salon.call_ok("join-conversation", &here).await?;

    let reply = reply(&mail, &recipient);
    reply.deliver(&fixture, "stamp-1").await?.expect(200)?;
    let event = salon.wait_for("new-message").await?;
    same("words", event["content"].as_str(), Some("Oui, mardi me va."))?;
    same("author", event["sender"]["id"].as_str(), Some(recipient.person.id.as_str()))?;

    // The provider hands it over again.
    reply.deliver(&fixture, "stamp-2").await?.expect(200)?;
    salon.catch_up().await?;
    same("received again", salon.received("new-message"), vec![])?;
    let path = format!("/messaging/conversations/{}/messages", recipient.conversation);
    let page = recipient.rest.get(&path).await?.expect(200)?;
    same("messages", page["data"].as_array().map(Vec::len), Some(2))
}

#[tokio::test]
async fn an_answer_that_is_not_who_it_says_is_refused() -> Result<(), Fault> {
    let (mut fixture, recipient) = start().await?;
    let mail = asked(&mut fixture, &recipient).await?;
    let good = || reply(&mail, &recipient);
    let forged_key = Reply { key: "another-signing-key", ..good() };
    let other_sender = Reply { from: "mallory@example.org", ..good() };
    let made_up = Reply { to: format!("reply+{}@mail.example.org", "a".repeat(32)), ..good() };
    // What is 406 is not delivered again.
    let refusals = [(forged_key, 403), (other_sender, 406), (made_up, 406)];
    for (number, (reply, status)) in refusals.iter().enumerate() {
        let answer = reply.deliver(&fixture, &format!("stamp-{number}")).await?;
        same("status", answer.status, *status)?;
    }
    let used = good().deliver(&fixture, "stamp-9").await?;
    same("a good one", used.status, 200)?;
    let words = Reply { message_id: "<other@example.org>", words: "Non.", ..good() };
    let replayed = words.deliver(&fixture, "stamp-9").await?;
    assert!((400..500).contains(&replayed.status), "a used stamp: {}", replayed.status);
    let path = format!("/messaging/conversations/{}/messages", recipient.conversation);
    let page = recipient.rest.get(&path).await?.expect(200)?;
    same("messages", page["data"].as_array().map(Vec::len), Some(2))?;
    // What is refused is counted by its reason, and nothing of its content is logged.
    let log = fixture.app.server.log()?;
    assert!(log.contains("a reply by mail was posted"), "{log}");
    assert!(!log.contains("mallory") && !log.contains("mardi"), "{log}");
    Ok(())
}

async fn start() -> Result<(Fixture, Recipient), Fault> {
    let fixture = Fixture::start(&SETTINGS).await?;
    let recipient = fixture.recipient("client-1").await?;
    Ok((fixture, recipient))
}

/// The mail in which the salon asks something.
async fn asked(fixture: &mut Fixture, recipient: &Recipient) -> Result<Email, Fault> {
    fixture.send_message(recipient, "Mardi vous va ?").await?;
    fixture.mail_server.mail_to(&recipient.address).await
}

fn reply<'a>(mail: &Email, recipient: &'a Recipient) -> Reply<'a> {
    Reply {
        from: &recipient.address,
        to: mail.header("Reply-To"),
        message_id: "<answer-1@example.org>",
        words: "Oui, mardi me va.",
        key: KEY,
    }
}

/// By the clock of the machine.
async fn now_s(fixture: &Fixture) -> Result<String, Fault> {
    let row = fixture.app.database.client().await?;
    let row = row.query_one("SELECT extract(epoch FROM now())::bigint", &[]).await;
    let seconds: i64 = row.map_err(Fault::while_doing("read the clock"))?.get(0);
    Ok(seconds.to_string())
}

fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
