//! Mailgun signatures and reply tokens.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use domain::{
    ids::MailId,
    mail::{MailDecision, NewMail, store::MailStore as _},
    ports::Clock as _,
    testing::fixture::user,
};

use super::TestApp;

/// Mailgun's signature of `timestamp` and `token`.
pub(crate) fn mailgun_signature(key: &str, timestamp: &str, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{timestamp}{token}").as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

/// Queues a mail to `person` about all unread messages. Returns the reply token of the first conversation
/// in it.
pub(crate) async fn reply_token(test_app: &TestApp, person: &str) -> String {
    let (store, now) = (&test_app.store, test_app.clock.now());
    let pending = store
        .pending_notifications(&user(person), now)
        .await
        .expect("it works")
        .expect("there is one");
    let send =
        pending.conversations.iter().map(|one| (one.conversation.clone(), one.up_to)).collect();
    let id = MailId::parse("m1").expect("a good id");
    let mail = NewMail { id, recipient: user(person), at: now };
    let decision = MailDecision { send, ..MailDecision::default() };
    assert!(store.apply_mail_decision(&pending, &decision, &mail).await.expect("it works"));
    let open = store.queued_mail(&mail.id).await.expect("it works").expect("it is open");
    open.chapters[0].reply.as_str().to_owned()
}
