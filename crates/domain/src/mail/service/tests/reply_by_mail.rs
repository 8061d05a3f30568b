use std::sync::Arc;

use crate::{
    conversation::{event::EventKind, message::Message},
    ids::ConversationId,
    mail::{MailDecision, NewMail, service::*},
    page::Window,
    ports::Clock,
    testing::{
        MemoryStore,
        fixture::{Service, client, text, user},
    },
};

/// A client who got a mail, and the token of its reply address.
struct Fixture {
    service: Service,
    conversation: ConversationId,
    token: ReplyToken,
}

impl Fixture {
    async fn new() -> Self {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let mut person = client("c1");
        person.profile.email = Some("Lea@Example.test".to_owned());
        service.add_participant(&person).await;
        let conversation = service.open("s1", "c1").await;
        let sent = service.messaging.send_message(&conversation, &user("s1"), text("?")).await;
        sent.expect("the salon takes part");
        let token = queue_mail(&service, &person.id).await;
        service.fanout.take();
        Self { service, conversation, token }
    }

    fn reply<'a>(&'a self, message_id: &'a str, text: &'a str) -> MailReply<'a> {
        MailReply { token: &self.token, sender: "lea@example.test", message_id, text }
    }

    async fn post(&self, reply: &MailReply<'_>) -> Result<Sent, ReplyByMailError> {
        let checked = self.service.replies.check(reply).await?;
        self.service.replies.post(checked).await
    }

    /// The client's messages, newest first.
    async fn answers(&self) -> Vec<Message> {
        let (store, salon) = (&self.service.store, user("s1"));
        let history = store.history(&self.conversation, &salon, &Window::first(100)).await;
        let history = history.expect("the store works").expect("the salon takes part");
        let sent = history.page.items.into_iter();
        sent.filter(|message| message.author.id == user("c1")).collect()
    }
}

/// Queues a mail about all pending conversations of `person`. Returns the reply token.
async fn queue_mail(service: &Service, person: &UserId) -> ReplyToken {
    let now = service.clock.now();
    let notifications =
        service.store.pending_notifications(person, now).await.expect("works").expect("it waits");
    let send = notifications
        .conversations
        .iter()
        .map(|one| (one.conversation.clone(), one.up_to))
        .collect();
    let decision = MailDecision { send, ..MailDecision::default() };
    let id = MailId::parse("m1").expect("a good id");
    let mail = NewMail { id, recipient: person.clone(), at: now };
    assert!(
        service.store.apply_mail_decision(&notifications, &decision, &mail).await.expect("works")
    );
    let queued = service.store.queued_mail(&mail.id).await.expect("works").expect("it is open");
    queued.chapters[0].reply.clone()
}

/// Checks an error.
type IsExpected = fn(&ReplyByMailError) -> bool;

#[tokio::test]
async fn a_reply_is_posted_once_and_published_like_any_message() {
    let fixture = Fixture::new().await;
    let reply = fixture.reply(" <1@mail.test> ", "\r\nOui,\u{b}samedi\u{2} !\r\n \r\n");
    let first = fixture.post(&reply).await.expect("it is theirs");
    let again = fixture.post(&reply).await.expect("it is known");
    assert_eq!((first.replayed, again.replayed, &again.message), (false, true, &first.message));
    let answers = fixture.answers().await;
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].content.as_str(), "Oui,\nsamedi !");
    let published = fixture.service.fanout.take();
    assert!(
        matches!(&published[0].kind, EventKind::MessagePosted(message) if *message == first.message)
    );
    fixture.post(&fixture.reply("<2@mail.test>", "Merci")).await.expect("another mail");
    assert_eq!(fixture.answers().await.len(), 2);
}

#[tokio::test]
async fn a_reply_address_ends_so_long_after_the_newest_message() {
    const DAY_MS: i64 = 86_400_000;
    let fixture = Fixture::new().await;
    let clock = &fixture.service.clock;
    clock.advance_millis(89 * DAY_MS);
    fixture.post(&fixture.reply("<1@mail.test>", "Oui")).await.expect("it is valid");
    // From the reply on, which is the newest message now.
    clock.advance_millis(89 * DAY_MS);
    fixture.post(&fixture.reply("<2@mail.test>", "Oui")).await.expect("it is valid");
    clock.advance_millis(90 * DAY_MS);
    let refused = fixture.post(&fixture.reply("<3@mail.test>", "Oui")).await;
    assert!(matches!(refused, Err(ReplyByMailError::Expired)), "{refused:?}");
    assert_eq!(fixture.answers().await.len(), 2);
    let longer = fixture.service.services.replies.clone().with_age_max_ms(91 * 86_400_000);
    longer.check(&fixture.reply("<3@mail.test>", "Oui")).await.expect("it is valid there");
}

#[tokio::test]
async fn what_cannot_be_posted_is_refused_and_posts_nothing() {
    use ReplyByMailError as E;
    let fixture = Fixture::new().await;
    let forged = ReplyToken::parse("forged").expect("a good token");
    let good = fixture.reply("<1@mail.test>", "Oui");
    let table: [(MailReply<'_>, IsExpected); 6] = [
        (MailReply { token: &forged, ..good }, |e| matches!(e, E::UnknownAddress)),
        (MailReply { sender: "s1@example.test", ..good }, |e| matches!(e, E::OtherSender)),
        (MailReply { sender: "", ..good }, |e| matches!(e, E::OtherSender)),
        (MailReply { message_id: " ", ..good }, |e| matches!(e, E::NoMessageId)),
        (MailReply { text: "", ..good }, |e| matches!(e, E::Empty)),
        (MailReply { text: " \r\n\u{7}\t", ..good }, |e| matches!(e, E::Empty)),
    ];
    for (number, (reply, is_expected)) in table.iter().enumerate() {
        let refused = fixture.post(reply).await.expect_err("it cannot be posted");
        assert!(is_expected(&refused), "row {number}: {refused:?}");
    }
    assert_eq!((fixture.answers().await, fixture.service.fanout.take()), (vec![], vec![]));
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_truncated() {
    let fixture = Fixture::new().await;
    let longest = "é".repeat(CONTENT_MAX_CHARS);
    let table = [
        (longest.clone(), longest.clone()),
        (
            format!("Oui {}", "x".repeat(1_000_000)),
            format!("Oui {}\n[…]", "x".repeat(CONTENT_MAX_CHARS - 8)),
        ),
        // No emoji is cut in two: five of its characters would still fit.
        (
            format!("{}👩🏽\u{200d}🎨👩🏽\u{200d}🎨👩🏽\u{200d}🎨", "x".repeat(CONTENT_MAX_CHARS - 11)),
            format!("{}👩🏽\u{200d}🎨\n[…]", "x".repeat(CONTENT_MAX_CHARS - 11)),
        ),
        (format!("Oui\n\n\n\n{}", " \n".repeat(CONTENT_MAX_CHARS) + "> ?"), "Oui\n[…]".to_owned()),
    ];
    for (number, (text, posted)) in table.iter().enumerate() {
        let id = format!("<{number}@mail.test>");
        let sent = fixture.post(&fixture.reply(&id, text)).await.expect("it is theirs");
        assert_eq!(sent.message.content.as_str(), posted, "row {number}");
        // Delivered again, it is the same message.
        assert!(fixture.post(&fixture.reply(&id, text)).await.expect("it is known").replayed);
    }
}

#[tokio::test]
async fn the_sender_is_recognised_however_the_domain_is_written() {
    let fixture = Fixture::new().await;
    let mut person = client("c1");
    person.profile.email = Some("Lea@café.fr".to_owned());
    fixture.service.add_participant(&person).await;
    for (number, sender) in
        ["lea@café.fr", "LEA@xn--caf-dma.FR", "lea@CAFE\u{301}.fr"].iter().enumerate()
    {
        let id = format!("<{number}@mail.test>");
        let reply = MailReply { sender, ..fixture.reply(&id, "Oui") };
        fixture.post(&reply).await.expect("it is theirs");
    }
    let other = MailReply { sender: "lea@cafe.fr", ..fixture.reply("<9@mail.test>", "Oui") };
    let refused = fixture.post(&other).await;
    assert!(matches!(refused, Err(ReplyByMailError::OtherSender)), "{refused:?}");
}

#[tokio::test]
async fn a_message_id_belongs_to_one_reply() {
    let fixture = Fixture::new().await;
    fixture.post(&fixture.reply("<1@mail.test>", "Oui")).await.expect("it is theirs");
    let other = fixture.post(&fixture.reply("<1@mail.test>", "Non")).await;
    assert!(matches!(other, Err(ReplyByMailError::Contradicted)), "{other:?}");
    assert_eq!(fixture.answers().await.len(), 1);
}

#[tokio::test]
async fn a_reply_to_a_deleted_conversation_is_refused() {
    let fixture = Fixture::new().await;
    let reply = fixture.reply("<1@mail.test>", "Oui");
    let sent = fixture.post(&reply).await.expect("it is theirs");
    let messaging = &fixture.service.messaging;
    messaging.delete_message(&sent.message.id, &user("c1")).await.expect("it is theirs");
    let again = fixture.post(&reply).await;
    assert!(matches!(again, Err(ReplyByMailError::Gone)), "it was deleted: {again:?}");
    messaging.delete_conversation(&fixture.conversation, &user("s1")).await.expect("a salon may");
    let late = fixture.post(&fixture.reply("<2@mail.test>", "Oui")).await;
    assert!(matches!(late, Err(ReplyByMailError::Gone)), "{late:?}");
}

#[tokio::test]
async fn a_forgotten_person_cannot_reply() {
    let fixture = Fixture::new().await;
    let forgotten = fixture.service.privacy.request_erasure(&user("c1")).await;
    forgotten.expect("the store works");
    let late = fixture.post(&fixture.reply("<1@mail.test>", "Oui")).await;
    assert!(matches!(late, Err(ReplyByMailError::OtherSender)), "{late:?}");
}

#[test]
fn a_reply_does_not_reach_a_log_through_debug() {
    let token = ReplyToken::parse("secret").expect("a good token");
    let reply = MailReply { token: &token, sender: "secret", message_id: "secret", text: "secret" };
    assert!(!format!("{reply:?}").contains("secret"));
}
