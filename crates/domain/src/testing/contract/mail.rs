//! Pending, queued and sent mail.

use futures_util::future::join_all;

use super::setup::{
    ANSWERS, Fixture, Mailbox, TestConversation, defer_all, drop_all, due, later, reachable,
    send_all,
};
use crate::{
    ids::{MailId, Seq},
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, MailDecision, PENDING_CONVERSATIONS_MAX,
        PendingConversation, ReplyToken,
        preferences::{Frequency, PreferenceChange},
        store::{ReplyTarget, TokenUse, WEBHOOK_CALL_MS_MAX},
    },
    store::Store,
    testing::fixture::{client, keyed, pictures, salon, text, user},
    text::Subject,
    time::Timestamp,
};

/// Messages of one side are noted for the other, once per conversation.
pub async fn messages_are_noted_for_the_other_side(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    fixture.add_participant(&reachable(client("c1"))).await;
    let before = fixture.now();
    let first = conversation.send_text(&conversation.salon, "Bonjour").await;
    let newest = conversation.send_text(&conversation.salon, "Samedi ?").await;
    assert_eq!(due(&fixture, before, before, 10).await, []);
    assert_eq!(due(&fixture, before, first.created_at, 10).await, [user("c1")]);

    let pending = Mailbox::of(&fixture, "c1").pending().await;
    assert_eq!(pending.recipient, reachable(client("c1")));
    assert!(
        pending.preferences.wants_mail()
            && !pending.is_suppressed
            && pending.recent_mails.is_empty()
    );
    let expected = PendingConversation {
        conversation: conversation.id.clone(),
        since: first.created_at,
        noted: 2,
        unmailed: 2,
        up_to: newest.seq,
        newest_at: newest.created_at,
        last_mailed_at: None,
    };
    assert_eq!(pending.conversations, [expected]);
    conversation.mark_read(&conversation.client).await;
    let read = &Mailbox::of(&fixture, "c1").pending().await.conversations[0];
    assert_eq!((read.unmailed, read.newest_at), (0, read.since), "nothing is left to be old");
    assert_eq!(Mailbox::of(&fixture, "s1").try_pending().await, None);
}

/// A person's mail is decided about as a whole, longest waiting first.
pub async fn everything_pending_for_a_person_is_one_decision(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c1").await);
    let elsewhere = fixture.conversation("s1", "c2").await;
    other.send_text(&other.salon, "1").await;
    elsewhere.send_text(&elsewhere.salon, "2").await;
    one.send_text(&one.salon, "3").await;
    let waiting = Mailbox::of(&fixture, "c1").pending().await.conversations;
    let waiting: Vec<_> = waiting.into_iter().map(|waiting| waiting.conversation).collect();
    assert_eq!(waiting, [other.id, one.id]);
    let now = fixture.now();
    assert_eq!(due(&fixture, now, now, 10).await, [user("c1"), user("c2")]);
    assert_eq!(due(&fixture, now, now, 1).await, [user("c1")]);
}

/// Messages read on arrival, retries and platform messages cause no mail.
pub async fn only_what_may_be_missed_is_noted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.opening = Some(fixture.opening("Bienvenue"));
    let (conversation, _) = fixture.open(&plan).await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mut seen = conversation.post(&conversation.salon, text("Vous êtes là ?"));
    seen.read_on_arrival = true;
    conversation.try_post(&seen).await;
    assert_eq!(mailbox.try_pending().await, None);

    for _ in 0..2 {
        conversation.try_send(&conversation.salon, keyed("Bonjour", "k1")).await;
    }
    let waiting = mailbox.pending().await.conversations;
    assert_eq!((waiting[0].noted, waiting[0].unmailed), (1, 1));
}

/// Messages that were read or deleted since are not mailed.
pub async fn what_was_read_or_deleted_is_not_mailed(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let unmailed = async || {
        let waiting = mailbox.pending().await.conversations.remove(0);
        (waiting.unmailed, waiting.up_to)
    };
    let read = conversation.send_text(&conversation.salon, "1").await;
    let second = conversation.send_text(&conversation.salon, "2").await;
    let deleted = conversation.send_text(&conversation.salon, "3").await;
    conversation.send_text(&conversation.client, "mon mot").await;
    assert_eq!(unmailed().await, (3, deleted.seq));
    conversation.mark_read_up_to(&conversation.client, read.seq).await;
    conversation.delete(&deleted).await;
    assert_eq!(unmailed().await, (1, second.seq));
    conversation.mark_read(&conversation.client).await;
    assert_eq!(unmailed().await.0, 0);

    let gone = fixture.conversation("s2", "c2").await;
    gone.send_text(&gone.salon, "4").await;
    gone.delete_conversation().await;
    let left = Mailbox::of(&fixture, "c2").try_pending().await.map(|pending| pending.conversations);
    assert!(left.unwrap_or_default().iter().all(|waiting| waiting.unmailed == 0));
}

// The content of a mail when it is sent, its recipient, and replies.

fn words(digest: &ConversationDigest) -> Vec<&str> {
    digest.quotes.iter().map(|quote| quote.words.as_str()).collect()
}

/// A mail has author, subject and number of messages, and quotes the newest.
pub async fn a_mail_contains_what_was_decided_on(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    fixture.add_participant(&reachable(client("c1"))).await;
    conversation.set_subject("Bras").await;
    for number in 0..MAIL_QUOTES_MAX {
        conversation.send_text(&conversation.salon, &number.to_string()).await;
    }
    conversation.send_text(&conversation.client, "mon mot").await;
    let newest = conversation.send(&conversation.salon, pictures("Voilà", 2, None)).await.message;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.queue_mail().await;
    let open = mailbox.try_open(&mail.id).await.expect("it did not leave");
    assert_eq!((&open.id, open.at, open.is_suppressed), (&mail.id, mail.at, false));
    assert_eq!(
        (open.recipient, &open.preferences.user),
        (reachable(client("c1")), &conversation.client)
    );
    let [digest] = &open.chapters[..] else { panic!("one: {:?}", open.chapters) };
    assert_eq!((&digest.conversation, &digest.writer), (&conversation.id, &salon("s1")));
    assert_eq!(digest.subject.as_ref().map(Subject::as_str), Some("Bras"));
    assert_eq!(digest.messages, MAIL_QUOTES_MAX as u64 + 1);
    assert_eq!(words(digest), ["Voilà", "2", "1"]);
    assert_eq!((digest.quotes[0].files, digest.quotes[0].at), (2, newest.created_at));
    assert_eq!(digest.quotes[1].files, 0);
}

/// Messages read or deleted before a mail is sent are not in it.
pub async fn a_mail_leaves_out_what_was_read_since(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (conversation, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c1").await);
    let read = conversation.send_text(&conversation.salon, "1").await;
    let deleted = conversation.send_text(&conversation.salon, "2").await;
    conversation.send_text(&conversation.salon, "3").await;
    other.send_text(&other.salon, "4").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.queue_mail().await;
    assert_eq!(mailbox.chapters(&mail).await.len(), 2);
    conversation.mark_read_up_to(&conversation.client, read.seq).await;
    conversation.delete(&deleted).await;
    other.delete_conversation().await;
    let chapters = mailbox.chapters(&mail).await;
    assert_eq!((chapters.len(), chapters[0].messages), (1, 1));
    assert_eq!(words(&chapters[0]), ["3"]);
    conversation.mark_read(&conversation.client).await;
    assert_eq!(mailbox.chapters(&mail).await, []);
}

/// Each message is in one mail, even if it stays unread.
pub async fn no_message_is_mailed_twice(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let queue_mail = async |said: &str| {
        conversation.send_text(&conversation.salon, said).await;
        mailbox.queue_mail().await
    };
    let (first, second) = (queue_mail("1").await, queue_mail("2").await);
    conversation.send_text(&conversation.salon, "3").await;
    assert_eq!(words(&mailbox.chapters(&first).await[0]), ["1"]);
    assert_eq!(words(&mailbox.chapters(&second).await[0]), ["2"]);
}

/// A mail that was sent, or never will be, is closed and stays closed.
pub async fn a_closed_mail_stays_closed(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    conversation.send_text(&conversation.salon, "1").await;
    let mail = mailbox.queue_mail().await;
    for _ in 0..2 {
        mailbox.close(&mail.id).await;
        assert_eq!(mailbox.try_open(&mail.id).await, None);
    }
    conversation.send_text(&conversation.salon, "2").await;
    let pending = mailbox.pending().await;
    assert_eq!(pending.recent_mails, [mail.at], "it counts for a while");
    assert_eq!(pending.conversations[0].unmailed, 1);
    let nothing = MailId::parse("nothing").expect("a good id");
    mailbox.close(&nothing).await;
    assert_eq!(mailbox.try_open(&nothing).await, None);
}

/// A mail goes to the person as they are when it is sent.
pub async fn a_mail_goes_to_the_person_as_they_are_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    fixture.add_participant(&reachable(client("c1"))).await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.queue_mail().await;
    let never =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    store.change_preferences(&conversation.client, &never, fixture.now()).await.expect(ANSWERS);
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let gone = mailbox.try_open(&mail.id).await;
    let address = gone.and_then(|open| {
        assert_eq!(open.preferences.frequency, Frequency::Never);
        open.recipient.profile.email
    });
    assert_eq!(address, None);
}

/// A suppressed address gets no more mail, until the person has another.
pub async fn an_address_that_sent_mail_back_is_known(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    fixture.add_participant(&reachable(client("c1"))).await;
    let mailbox = Mailbox::of(&fixture, "c1");
    conversation.send_text(&conversation.salon, "1").await;
    let mail = mailbox.queue_mail().await;
    conversation.send_text(&conversation.salon, "2").await;
    let suppress =
        async |address| store.suppress_address(address, fixture.now()).await.expect(ANSWERS);
    assert_eq!(suppress("nobody@example.test").await, 0);
    assert!(!mailbox.pending().await.is_suppressed);
    for _ in 0..2 {
        assert_eq!(suppress(" C1@Example.test").await, 1);
    }
    assert!(mailbox.pending().await.is_suppressed);
    assert!(mailbox.try_open(&mail.id).await.expect("it did not leave").is_suppressed);
    let mut moved = reachable(client("c1"));
    moved.profile.email = Some("new@example.test".to_owned());
    fixture.add_participant(&moved).await;
    assert!(!mailbox.pending().await.is_suppressed);
}

/// An address gets mail again when an operator allows it, whoever has it.
pub async fn an_address_that_was_repaired_is_written_to_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let allow = async |person| store.allow_address(&user(person)).await.expect(ANSWERS);
    for person in ["c1", "c2"] {
        let conversation = fixture.conversation("s1", person).await;
        let mut shared = reachable(client(person));
        shared.profile.email = Some("Both@example.test".to_owned());
        fixture.add_participant(&shared).await;
        conversation.send_text(&conversation.salon, "1").await;
    }
    let suppressed = async || {
        let one = Mailbox::of(&fixture, "c1").pending().await.is_suppressed;
        (one, Mailbox::of(&fixture, "c2").pending().await.is_suppressed)
    };
    assert!(!allow("c1").await, "it was never suppressed");
    store.suppress_address("both@example.test", fixture.now()).await.expect(ANSWERS);
    assert_eq!(suppressed().await, (true, true));
    assert!(!allow("nobody").await && !allow("s1").await);
    assert_eq!(suppressed().await, (true, true));
    assert!(allow("c1").await);
    assert_eq!(suppressed().await, (false, false));
    assert!(!allow("c2").await, "it is allowed already");
}

async fn target(fixture: &Fixture<'_>, token: &ReplyToken) -> Option<ReplyTarget> {
    fixture.store.reply_target(token).await.expect(ANSWERS)
}

/// A reply token identifies person and conversation, and stays the same.
pub async fn an_answer_finds_its_person_and_its_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (conversation, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    let token = async |conversation: &TestConversation<'_>, writer| {
        conversation.send_text(writer, "Bonjour").await;
        let reader =
            if *writer == conversation.salon { &conversation.client } else { &conversation.salon };
        let mailbox = Mailbox::of(&fixture, reader.as_str());
        let mail = mailbox.queue_mail().await;
        mailbox.chapters(&mail).await.remove(0).reply
    };
    let to_client = token(&conversation, &conversation.salon).await;
    assert_eq!(token(&conversation, &conversation.salon).await, to_client);
    let to_salon = token(&conversation, &conversation.client).await;
    let elsewhere = token(&other, &other.salon).await;
    assert!(to_client != to_salon && to_client != elsewhere && to_salon != elsewhere);
    for (token, conversation, person) in [
        (&to_client, &conversation, &conversation.client),
        (&to_salon, &conversation, &conversation.salon),
        (&elsewhere, &other, &other.client),
    ] {
        let expected = ReplyTarget {
            person: person.clone(),
            conversation: conversation.id.clone(),
            last_message_at: target(&fixture, token).await.expect("it is known").last_message_at,
        };
        assert_eq!(target(&fixture, token).await, Some(expected));
    }
    let said = conversation.send_text(&conversation.client, "Encore").await;
    let found = target(&fixture, &to_client).await.expect("it is known");
    assert_eq!(found.last_message_at, said.created_at);
    let forged = ReplyToken::parse("0123456789abcdef").expect("a good token");
    assert_eq!(target(&fixture, &forged).await, None);
    conversation.delete_conversation().await;
    assert_eq!(target(&fixture, &to_client).await.map(|found| found.person), Some(user("c1")));
}

/// A token of a webhook call is taken once; after a call without an outcome, again after a while.
pub async fn a_token_of_a_webhook_call_is_taken_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = fixture.now();
    let after = |millis: u64| {
        let millis = at.as_millis().saturating_add_unsigned(millis);
        Timestamp::from_millis(millis).expect("within the calendar")
    };
    let take =
        async |token, now| store.take_webhook_token(token, now, after(0)).await.expect(ANSWERS);
    let settle = async |token, is_executed| {
        store.settle_webhook_token(token, is_executed).await.expect(ANSWERS);
    };
    assert_eq!(take("a", after(0)).await, TokenUse::Taken);
    assert_eq!(take("a", after(WEBHOOK_CALL_MS_MAX - 1)).await, TokenUse::InProgress);
    assert_eq!(take("a", after(WEBHOOK_CALL_MS_MAX)).await, TokenUse::Taken);
    settle("a", false).await;
    assert_eq!(take("a", after(WEBHOOK_CALL_MS_MAX)).await, TokenUse::Taken);
    settle("a", true).await;
    settle("a", false).await;
    assert_eq!(take("a", after(10 * WEBHOOK_CALL_MS_MAX)).await, TokenUse::Executed);
    assert_eq!(take("b", after(0)).await, TokenUse::Taken);
    let taken = join_all((0..5).map(|_| take("c", after(0)))).await;
    assert_eq!(taken.iter().filter(|taken| **taken == TokenUse::Taken).count(), 1, "{taken:?}");

    // What is forgotten is so old that its stamp is refused anyway.
    let long_after = after(100 * WEBHOOK_CALL_MS_MAX);
    store.take_webhook_token("d", long_after, long_after).await.expect(ANSWERS);
    assert_eq!(take("a", long_after).await, TokenUse::Taken);
}

/// An address is suppressed however its domain is written, also when it is stored in another form.
pub async fn a_suppressed_address_is_known_however_its_domain_is_written(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mut person = client("c1");
    person.profile.email = Some("lea@café.fr".to_owned());
    fixture.add_participant(&person).await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    for address in ["lea@cafe.fr", "lea@xn--caf-dma.com"] {
        assert_eq!(
            store.suppress_address(address, fixture.now()).await.expect(ANSWERS),
            0,
            "{address}"
        );
    }
    let noted = store.suppress_address("Lea@XN--CAF-DMA.fr", fixture.now()).await;
    assert_eq!(noted.expect(ANSWERS), 1);
    assert!(mailbox.pending().await.is_suppressed);
    person.profile.email = Some("lea@xn--caf-dma.fr".to_owned());
    fixture.add_participant(&person).await;
    assert!(mailbox.pending().await.is_suppressed, "it is the same mailbox");
    assert!(store.allow_address(&person.id).await.expect(ANSWERS));
    person.profile.email = Some("lea@café.fr".to_owned());
    fixture.add_participant(&person).await;
    assert!(!mailbox.pending().await.is_suppressed, "it is allowed in each form");
}

// Applying decisions.

/// A deferred conversation is due at the given time, and a new message makes it due no sooner.
pub async fn what_was_put_off_is_due_then(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "1").await;
    let (mailbox, now) = (Mailbox::of(&fixture, "c1"), fixture.now());
    let until = later(now, 3_600_000);
    let pending = mailbox.pending().await;
    mailbox.apply(&pending, &defer_all(&pending, until)).await;
    conversation.send_text(&conversation.salon, "2").await;
    assert_eq!(due(&fixture, later(until, -1), later(until, -1), 10).await, []);
    assert_eq!(due(&fixture, until, now, 10).await, [user("c1")]);
    let waiting = mailbox.pending().await.conversations.remove(0);
    assert_eq!((waiting.unmailed, waiting.since), (2, pending.conversations[0].since));
    assert_eq!(fixture.tasks().await, []);
}

/// What is sent is queued with a job and no longer pending; later messages are.
pub async fn what_is_sent_is_in_a_mail_and_no_longer_pending(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.queue_mail().await;
    assert_eq!(fixture.tasks().await, [("send_mail".to_owned(), mail.id.to_string())]);
    assert_eq!(mailbox.try_pending().await, None);

    let news = conversation.send_text(&conversation.salon, "2").await;
    let pending = mailbox.pending().await;
    let waiting = &pending.conversations[0];
    assert_eq!(
        (waiting.unmailed, waiting.up_to, waiting.last_mailed_at),
        (1, news.seq, Some(mail.at))
    );
    assert_eq!(pending.recent_mails, [mail.at]);
    let last = mailbox.pending_at(later(mail.at, 59_999)).await.expect("it waits");
    assert_eq!(last.recent_mails, [mail.at]);
    let after = mailbox.pending_at(later(mail.at, 60_000)).await.expect("it waits");
    assert_eq!(after.recent_mails, []);
}

/// What is dropped is no longer pending, and queues no mail.
pub async fn what_is_dropped_is_no_longer_pending(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let pending = mailbox.pending().await;
    let mail = mailbox.new_mail();
    assert!(mailbox.try_apply(&pending, &drop_all(&pending), &mail).await);
    assert_eq!((mailbox.try_pending().await, mailbox.try_open(&mail.id).await), (None, None));
    assert_eq!(fixture.tasks().await, []);
    conversation.send_text(&conversation.salon, "2").await;
    assert_eq!(mailbox.pending().await.conversations[0].unmailed, 2, "the first was in no mail");
}

/// All three lists of a decision are applied.
pub async fn all_lists_of_a_decision_are_applied(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut conversations = vec![];
    for salon in ["s1", "s2", "s3"] {
        let conversation = fixture.conversation(salon, "c1").await;
        conversation.send_text(&conversation.salon, "Bonjour").await;
        conversations.push(conversation);
    }
    let mailbox = Mailbox::of(&fixture, "c1");
    let (pending, mail) = (mailbox.pending().await, mailbox.new_mail());
    let mut decision = send_all(&pending);
    decision.send.truncate(1);
    decision.defer = defer_all(&pending, later(mail.at, 1)).defer.split_off(2);
    decision.drop = drop_all(&pending).drop[1..2].to_vec();
    assert!(mailbox.try_apply(&pending, &decision, &mail).await);
    let waiting = mailbox.pending().await.conversations;
    assert_eq!((waiting.len(), &waiting[0].conversation), (1, &conversations[2].id));
    let sent = mailbox.chapters(&mail).await;
    assert_eq!((sent.len(), &sent[0].conversation), (1, &conversations[0].id));
}

/// Of several decisions on the same state one is applied; the others change nothing.
pub async fn a_decision_is_applied_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let pending = mailbox.pending().await;
    let (decision, mails) = (send_all(&pending), [(); 10].map(|()| mailbox.new_mail()));
    let settled =
        join_all(mails.iter().map(|mail| mailbox.try_apply(&pending, &decision, mail))).await;
    assert_eq!(settled.iter().filter(|settled| **settled).count(), 1, "{settled:?}");
    assert_eq!(fixture.tasks().await.len(), 1);
    for (mail, settled) in mails.iter().zip(settled) {
        assert_eq!(mailbox.try_open(&mail.id).await.is_some(), settled);
    }

    conversation.send_text(&conversation.salon, "2").await;
    assert!(!mailbox.try_apply(&pending, &drop_all(&pending), &mailbox.new_mail()).await);
    assert_eq!(mailbox.pending().await.conversations[0].unmailed, 1, "the new one waits");
}

/// Messages posted between reading the state and the decision stay pending, whatever the decision.
pub async fn messages_posted_before_the_decision_stay_pending(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for (number, decide) in [send_all, drop_all].into_iter().enumerate() {
        let (salon, client) = (format!("s{number}"), format!("c{number}"));
        let conversation = fixture.conversation(&salon, &client).await;
        let mailbox = Mailbox::of(&fixture, &client);
        conversation.send_text(&conversation.salon, "1").await;
        let pending = mailbox.pending().await;
        let news = conversation.send_text(&conversation.salon, "2").await;
        let mail = mailbox.new_mail();
        assert!(mailbox.try_apply(&pending, &decide(&pending), &mail).await);
        let waiting = mailbox.pending().await.conversations.remove(0);
        assert_eq!((waiting.noted, waiting.up_to, waiting.since), (1, news.seq, mail.at));
        assert!(!due(&fixture, mail.at, later(mail.at, -1), 10).await.contains(&mailbox.owner));
        assert!(due(&fixture, mail.at, mail.at, 10).await.contains(&mailbox.owner));
    }
}

/// An empty decision is accepted and queues no mail.
pub async fn an_empty_decision_queues_no_mail(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let pending = mailbox.pending().await;
    mailbox.apply(&pending, &MailDecision::default()).await;
    assert_eq!(fixture.tasks().await, []);
    assert_eq!(mailbox.pending().await.conversations, pending.conversations);
    assert!(pending.conversations[0].up_to > Seq::ZERO);
    assert_eq!(
        store.pending_notifications(&user("nobody"), fixture.now()).await.expect(ANSWERS),
        None
    );
}

/// Deferred conversations come last: a person with more of them than one decision takes is done in
/// a few rounds.
pub async fn what_was_put_off_keeps_nothing_from_being_looked_at(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mailbox = Mailbox::of(&fixture, "c1");
    let mut newest = None;
    for _ in 0..=PENDING_CONVERSATIONS_MAX {
        let conversation = fixture.conversation("s1", "c1").await;
        conversation.send_text(&conversation.salon, "1").await;
        newest = Some(conversation.id);
    }
    let tomorrow = later(fixture.now(), 86_400_000);
    for left in [PENDING_CONVERSATIONS_MAX, 0] {
        let pending = mailbox.pending().await;
        assert_eq!(pending.conversations.len(), PENDING_CONVERSATIONS_MAX);
        assert_eq!(Some(&pending.conversations[0].conversation) == newest.as_ref(), left == 0);
        mailbox.apply(&pending, &defer_all(&pending, tomorrow)).await;
        let now = fixture.now();
        assert_eq!(due(&fixture, now, now, 10).await.is_empty(), left == 0);
    }
}
