//! Erasure, exports and the audit log.

use std::sync::Arc;

use super::setup::{
    ANSWERS, Booking, Fixture, TestConversation, event_at, finish, object_jobs, sending, started,
    upload,
};
use crate::{
    appointments::store::ReceiveOutcome,
    conversation::{
        Parties, Status,
        attachment::ObjectKey,
        event::{Event, EventKind},
        ledger::{Command, Open, Post, PostNotice, ReadTarget, Refusal, SystemMessage},
    },
    ids::UserId,
    mail::{preferences::PreferenceChange, store::Muting},
    page::Window,
    participant::{Participant, Profile},
    privacy::{
        audit::{Actor, AuditAction, AuditEntry},
        export::{EXPORT_LIFETIME_MS, Export, ReadyExport},
        session_end::{SessionEnd, SessionEndReason},
        store::SessionEndMark,
    },
    retention::{RetentionPolicy, SalonRetention},
    store::Store,
    testing::{
        commands::{Commands, EraseIn, PostOutcome},
        fixture::{RecordingFanout, booking_event, client, content, pictures, salon, text, user},
    },
    time::Timestamp,
};

async fn erase(
    conversation: &TestConversation<'_>,
    person: &UserId,
    messages_max: u32,
) -> Vec<Event> {
    let erase = EraseIn {
        person: person.clone(),
        conversation: conversation.id.clone(),
        messages_max,
        at: conversation.fixture.now(),
    };
    conversation.fixture.store.erase_in(&erase).await.expect(ANSWERS)
}

fn nobody(person: &Participant) -> Participant {
    Participant { profile: Profile::default(), is_forgotten: true, ..person.clone() }
}

/// Name, picture and address are removed at once, everywhere; id and role stay. A receipt says so,
/// and a job does the rest. Idempotent.
pub async fn a_person_s_name_is_forgotten_at_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await;
    assert_eq!(store.erasure(&conversation.client).await.expect(ANSWERS), None);
    let at = fixture.now();
    let receipt = store.request_erasure(&conversation.client, at).await.expect(ANSWERS);
    assert_eq!((&receipt.person, receipt.requested_at), (&conversation.client, at));
    let counts = (receipt.conversations, receipt.messages, receipt.files);
    assert_eq!((receipt.finished_at, counts), (None, (0, 0, 0)));

    let gone = nobody(&client("c1"));
    let found = store.participant(&conversation.client).await.expect(ANSWERS);
    assert!(found == Some(gone.clone()), "{found:?}");
    assert!(conversation.view(&conversation.salon).await.client == gone);
    assert!(conversation.reload(&message).await.author == gone);
    let again = store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let kept = store.erasure(&conversation.client).await.expect(ANSWERS);
    assert_eq!((&again, kept.as_ref()), (&receipt, Some(&receipt)));
    assert_eq!(fixture.tasks().await, [("erase_person".to_owned(), "c1".to_owned())]);
}

/// A forgotten person, known before or not, is not stored again; and nobody is stored in the same
/// call.
pub async fn who_is_forgotten_cannot_come_back(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    for id in ["c1", "c2"] {
        store.request_erasure(&user(id), fixture.now()).await.expect(ANSWERS);
        fixture.add_participant(&client(id)).await;
    }
    let people = [salon("s1"), client("c2"), client("c1")];
    let mut refused = store.put_participants(&people, fixture.now()).await.expect(ANSWERS);
    refused.sort();
    assert_eq!(refused, [user("c1"), user("c2")]);
    for (id, expected) in [("c1", Some(nobody(&client("c1")))), ("c2", None), ("s1", None)] {
        let found = store.participant(&user(id)).await.expect(ANSWERS);
        assert!(found == expected, "{id}: {found:?}");
    }
}

/// From the request on they cannot post, though their token may still be valid. The other side can.
pub async fn who_is_forgotten_says_nothing_more(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let before = conversation.log().await;
    let refused = conversation.try_send(&conversation.client, text("C'est encore Camille")).await;
    assert!(matches!(refused, PostOutcome::UnknownConversation), "{refused:?}");
    assert_eq!(conversation.log().await, before);
    conversation.send_text(&conversation.salon, "Il y a quelqu'un ?").await;
    assert_eq!(conversation.texts().await, ["Il y a quelqu'un ?"]);
}

/// Whatever was decided before the request, nothing new is written about them once it is stored: no
/// conversation, no notice, no subject of theirs. The other side may go on.
pub async fn nothing_new_is_written_about_who_is_forgotten(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message =
        |words| SystemMessage { id: fixture.new_id(), content: content(words), notice: None };
    let open = Command::Open(Open {
        parties: Parties { salon: conversation.salon.clone(), client: conversation.client.clone() },
        appointment: None,
        subject: None,
        status: Status::Active,
        message: Some(message("Bonjour Camille")),
        handles: None,
    });
    let notice = Command::PostNotice(PostNotice {
        message: message("Bonjour Camille"),
        status: Status::Active,
        subject: None,
        handles: None,
    });
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let before = conversation.log().await;
    let opened = store.run(&fixture.new_id(), open, fixture.now()).await.expect(ANSWERS);
    assert_eq!(opened, Err(Refusal::UnknownPerson));
    let noticed = store.run(&conversation.id, notice, fixture.now()).await.expect(ANSWERS);
    assert_eq!(noticed, Err(Refusal::UnknownPerson));
    let edited = conversation.try_edit(&conversation.client, Some("C'est Camille"), None).await;
    assert_eq!(edited, None);
    assert_eq!(conversation.log().await, before);
    assert_eq!(conversation.set_subject("Dossier 7").await.len(), 1);
}

/// Their token may still be valid: what it uploads or sets is not stored.
pub async fn who_is_forgotten_sets_and_uploads_nothing(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let person = &conversation.client;
    assert!(store.preferences(person, fixture.now()).await.expect(ANSWERS).is_some());
    store.request_erasure(person, fixture.now()).await.expect(ANSWERS);
    assert_eq!(store.preferences(person, fixture.now()).await.expect(ANSWERS), None);
    let change = PreferenceChange { mail_enabled: Some(false), ..PreferenceChange::default() };
    let changed = store.change_preferences(person, &change, fixture.now()).await.expect(ANSWERS);
    assert_eq!(changed, None);
    let muted = store.mute(person, &conversation.id, fixture.now()).await.expect(ANSWERS);
    assert_eq!(muted, Muting::UnknownConversation);
    assert!(!store.begin_upload(&upload(&fixture, person)).await.expect(ANSWERS));
    // The other side can.
    let muted = store.mute(&conversation.salon, &conversation.id, fixture.now()).await;
    assert_eq!(muted.expect(ANSWERS), Muting::Muted);
    assert!(store.begin_upload(&upload(&fixture, &conversation.salon)).await.expect(ANSWERS));
}

/// What they sent, uploaded or had exported is not for anybody with a link, although its bytes are deleted
/// later.
pub async fn links_to_what_is_of_who_is_forgotten_lead_nowhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let person = &conversation.client;
    let mut files = vec![];
    for owner in [person, person, &conversation.salon] {
        let file = upload(&fixture, owner);
        assert!(store.begin_upload(&file).await.expect(ANSWERS));
        finish(&fixture, &file).await;
        files.push(file.id);
    }
    conversation.send(person, sending(&[&files[0]], None)).await;
    conversation.send(&conversation.salon, sending(&[&files[2]], None)).await;
    let archive = key("archive");
    assert!(!store.has_archive(&archive).await.expect(ANSWERS));
    store.request_export(person, &archive, fixture.now()).await.expect(ANSWERS);
    assert!(store.has_archive(&archive).await.expect(ANSWERS));
    let reachable = async || {
        let mut reachable = vec![];
        for file in &files {
            reachable.push(store.downloadable(file).await.expect(ANSWERS).is_some());
        }
        reachable
    };
    assert_eq!(reachable().await, [true; 3]);
    store.request_erasure(person, fixture.now()).await.expect(ANSWERS);
    assert_eq!(reachable().await, [false, false, true]);
    assert!(!store.has_archive(&archive).await.expect(ANSWERS));
}

/// Neither a mark, a receipt on arrival, a deletion, nor mail: nothing that they do, or that waits for them,
/// is stored any more.
pub async fn who_is_forgotten_reads_and_deletes_nothing_and_is_sent_no_mail(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let conversation = fixture.conversation("s1", "c1").await;
    let own = conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.send_text(&conversation.salon, "Oui ?").await;
    let person = &conversation.client;
    store.request_erasure(person, fixture.now()).await.expect(ANSWERS);
    let before = (conversation.log().await, conversation.state().await);
    let mark = |target| Command::MarkRead { reader: person.clone(), target };
    let commands = [
        mark(ReadTarget::Everything),
        mark(ReadTarget::UpTo(before.1.last_seq)),
        Command::DeleteMessage { message: own.id.clone(), by: person.clone() },
        Command::DeleteConversation { by: person.clone() },
    ];
    for command in commands {
        let refused = store.run(&conversation.id, command.clone(), fixture.now()).await;
        assert_eq!(refused.expect(ANSWERS), Err(Refusal::UnknownConversation), "{command:?}");
    }
    assert_eq!((conversation.log().await, conversation.state().await), before);

    for is_watching in [true, false] {
        fanout.set_watching(&conversation.id, person, is_watching);
        let post = Command::Post(Post {
            id: fixture.new_id(),
            author: conversation.salon.clone(),
            draft: text("Il y a quelqu'un ?"),
            attachments: vec![],
        });
        let posted = store.commit(&conversation.id, post, fixture.now(), fanout.clone()).await;
        let changes = posted.expect(ANSWERS).expect("the salon takes part").changes;
        let posted = changes.message.expect("it was posted").message;
        assert_eq!((posted.is_read, changes.read, changes.mail_to), (false, None, None));
        assert_eq!(changes.events.iter().filter(|event| event.actor == *person).count(), 0);
    }
}

fn session_end(id: &str, before: Timestamp, reason: SessionEndReason) -> SessionEnd {
    SessionEnd { person: user(id), before, reason }
}

async fn ends(store: &dyn Store) -> Vec<SessionEnd> {
    let read = store.session_ends(None, 10_000).await.expect(ANSWERS);
    read.ends
}

/// The time is kept, and who asked for it; an unknown person's tokens can be revoked too.
pub async fn revoked_tokens_are_those_issued_before_a_time(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (before, at) = (fixture.now(), fixture.now());
    store.revoke_sessions(&user("c1"), before, at).await.expect(ANSWERS);
    assert_eq!(ends(store).await, [session_end("c1", before, SessionEndReason::Revoked)]);
    let audit = store.audit(10).await.expect(ANSWERS);
    let [AuditEntry { at: audited_at, actor, action, subject }] = &audit[..] else {
        panic!("one entry: {audit:?}")
    };
    let audited = (*audited_at, actor, *action, subject.as_str());
    assert_eq!(audited, (at, &Actor::Service, AuditAction::SessionsRevoked, "c1"));
}

/// Neither a repeated request nor an older one lets a token count again, and no revocation makes less of
/// an erasure.
pub async fn an_end_of_sessions_never_moves_back(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let times = [fixture.now(), fixture.now(), fixture.now()];
    let person = user("c1");
    for before in [times[1], times[0], times[1]] {
        store.revoke_sessions(&person, before, fixture.now()).await.expect(ANSWERS);
    }
    assert_eq!(ends(store).await, [session_end("c1", times[1], SessionEndReason::Revoked)]);
    store.request_erasure(&person, times[0]).await.expect(ANSWERS);
    assert_eq!(ends(store).await, [session_end("c1", times[1], SessionEndReason::Erased)]);
    store.revoke_sessions(&person, times[2], fixture.now()).await.expect(ANSWERS);
    assert_eq!(ends(store).await, [session_end("c1", times[2], SessionEndReason::Erased)]);
}

/// All at the start, by id; then what is new, once.
pub async fn ends_of_sessions_are_read_in_pages_and_then_as_they_come(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = fixture.now();
    for id in ["c3", "c1", "c2"] {
        store.revoke_sessions(&user(id), at, at).await.expect(ANSWERS);
    }
    let first = store.session_ends(None, 2).await.expect(ANSWERS);
    let second = store.session_ends(Some(user("c2")), 2).await.expect(ANSWERS);
    let revoked = |id| session_end(id, at, SessionEndReason::Revoked);
    assert_eq!(first.ends, [revoked("c1"), revoked("c2")]);
    assert_eq!(second.ends, [revoked("c3")]);

    let since =
        async |mark: &SessionEndMark| store.session_ends_since(mark, 2).await.expect(ANSWERS);
    let nothing = since(&first.mark).await;
    assert_eq!(nothing.ends, []);
    store.request_erasure(&user("c4"), at).await.expect(ANSWERS);
    let new = since(&nothing.mark).await;
    assert_eq!(new.ends, [session_end("c4", at, SessionEndReason::Erased)]);
    assert_eq!(since(&new.mark).await.ends, []);
    // What is asked for again, and so changed nothing, is nothing new.
    store.revoke_sessions(&user("c1"), at, at).await.expect(ANSWERS);
    assert_eq!(since(&new.mark).await.ends, []);
    for id in ["c5", "c6", "c7"] {
        store.revoke_sessions(&user(id), at, at).await.expect(ANSWERS);
    }
    assert_eq!(since(&new.mark).await.ends.len(), 2, "there may be more");
}

/// A bounded number at a time.
pub async fn revocations_are_dropped_when_they_are_old_and_erasures_never(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let old = fixture.now();
    for id in ["c1", "c2", "c3"] {
        store.revoke_sessions(&user(id), old, old).await.expect(ANSWERS);
    }
    store.request_erasure(&user("c4"), old).await.expect(ANSWERS);
    let young = fixture.now();
    store.revoke_sessions(&user("c5"), young, young).await.expect(ANSWERS);
    let mut dropped = vec![];
    for _ in 0..3 {
        dropped.push(store.drop_revocations(young, 2).await.expect(ANSWERS));
    }
    assert_eq!(dropped, [2, 1, 0]);
    let left = [
        session_end("c4", old, SessionEndReason::Erased),
        session_end("c5", young, SessionEndReason::Revoked),
    ];
    assert_eq!(ends(store).await, left);
}

/// A conversation that goes on while it is erased, or is erased again, is one.
pub async fn a_conversation_is_counted_once_however_often_it_is_erased(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    for _ in 0..3 {
        let next = store.next_to_erase(&conversation.client).await.expect(ANSWERS);
        assert_eq!(next.as_ref(), Some(&conversation.id));
        erase(&conversation, &conversation.client, 10).await;
        let kept = store.erasure(&conversation.client).await.expect(ANSWERS).expect("asked for");
        assert_eq!((kept.conversations, kept.messages), (0, 1), "not finished");
        // It opens the conversation again.
        conversation.send_text(&conversation.salon, "Il y a quelqu'un ?").await;
    }
    erase(&conversation, &conversation.client, 10).await;
    let at = fixture.now();
    let receipt = store.finish_erasure(&conversation.client, at).await.expect(ANSWERS);
    let receipt = receipt.expect("asked for");
    assert_eq!((receipt.finished_at, receipt.conversations, receipt.messages), (Some(at), 1, 1));
}

/// Their messages are deleted in batches; those of the other side stay. The subject is removed, and
/// the conversation archived.
pub async fn what_they_wrote_is_emptied_piece_by_piece(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.set_subject("Le bras de Camille").await;
    let mut own = vec![];
    for words in ["1", "2", "3"] {
        own.push(conversation.send_text(&conversation.client, words).await.id.clone());
        conversation.send_text(&conversation.salon, "Oui ?").await;
    }
    assert_eq!(store.next_to_erase(&conversation.client).await.expect(ANSWERS), None);
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let mut events = vec![];
    for _ in 0..2 {
        let next = store.next_to_erase(&conversation.client).await.expect(ANSWERS);
        assert_eq!(next.as_ref(), Some(&conversation.id));
        events.extend(erase(&conversation, &conversation.client, 2).await);
    }
    assert_eq!(store.next_to_erase(&conversation.client).await.expect(ANSWERS), None);
    assert_eq!(erase(&conversation, &conversation.client, 2).await, []);

    let deleted = events.iter().filter_map(|event| match &event.kind {
        EventKind::MessageDeleted(id) => Some(id),
        _ => None,
    });
    assert!(deleted.eq(&own), "{events:?}");
    let put_away = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
    assert_eq!(events.iter().filter(|event| event.kind == put_away).count(), 1, "{events:?}");
    let log = conversation.log().await;
    assert!(events.iter().all(|event| log.contains(event)), "published otherwise than logged");
    assert_eq!(conversation.texts().await, ["Oui ?"; 3]);
    let now = conversation.state().await;
    assert_eq!((now.subject, now.status), (None, Status::Archived));
    let at = fixture.now();
    let receipt =
        store.finish_erasure(&conversation.client, at).await.expect(ANSWERS).expect("asked for");
    assert_eq!((receipt.conversations, receipt.messages, receipt.files), (1, 3, 0));
    assert_eq!(receipt.finished_at, Some(at));
    let again = store.finish_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    assert_eq!(again, Some(receipt));
}

/// A receipt is not completed while something is left in one of the conversations.
pub async fn a_receipt_is_finished_when_nothing_is_left(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c1").await);
    let elsewhere = fixture.conversation("s1", "c2").await;
    elsewhere.send_text(&elsewhere.client, "Bonjour").await;
    let before = elsewhere.log().await;
    let person = user("c1");
    store.request_erasure(&person, fixture.now()).await.expect(ANSWERS);
    for left in [2, 1, 0] {
        let receipt = store.finish_erasure(&person, fixture.now()).await.expect(ANSWERS);
        assert_eq!(receipt.expect("asked for").finished_at.is_some(), left == 0);
        let next = store.next_to_erase(&person).await.expect(ANSWERS);
        assert_eq!(next.is_some(), left > 0);
        for conversation in [&one, &other] {
            if next.as_ref() == Some(&conversation.id) {
                erase(conversation, &person, 10).await;
            }
        }
    }
    assert_eq!(elsewhere.log().await, before);
}

/// Notices with their name are rewritten without it; the salon's messages stay.
pub async fn notices_that_named_them_name_nobody(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let events = erase(&conversation, &conversation.client, 10).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let history = conversation.history(&Window::first(9)).await.page.items;
    let [said] = &history[..] else { panic!("one notice: {history:?}") };
    assert_eq!(
        said.content.as_str(),
        "Bonjour, votre rendez-vous a été confirmé ! N'hésitez pas à nous contacter pour toute question."
    );
    let notice = said.notice.as_ref().expect("it still is one");
    assert_eq!((notice.kind(), notice.first_name()), ("confirmed", None));
    assert_eq!(store.next_to_erase(&conversation.client).await.expect(ANSWERS), None);
}

/// A forgotten salon's notices are its messages.
pub async fn a_forgotten_salon_s_notices_are_emptied(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    conversation.send_text(&conversation.client, "Merci").await;
    store.request_erasure(&conversation.salon, fixture.now()).await.expect(ANSWERS);
    erase(&conversation, &conversation.salon, 10).await;
    assert_eq!(conversation.texts().await, ["Merci"]);
}

/// Their files are deleted, sent or not, and counted.
pub async fn their_files_are_deleted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let sent = upload(&fixture, &conversation.client);
    assert!(store.begin_upload(&sent).await.expect(ANSWERS));
    finish(&fixture, &sent).await;
    conversation.send(&conversation.client, sending(&[&sent.id], None)).await;
    // One of these two has an upload key.
    conversation.send(&conversation.client, pictures("", 2, None)).await;
    let unsent = started(&fixture, &conversation.client).await;
    let theirs = started(&fixture, &conversation.salon).await;
    store.request_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    erase(&conversation, &conversation.client, 10).await;
    let receipt = store.finish_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    let receipt = receipt.expect("asked for");
    assert_eq!((receipt.messages, receipt.files), (2, 3));

    let mut expected = object_jobs(&[&sent.keys, &unsent.keys]);
    expected.push(("delete_hosted_file".to_owned(), "upload-1".to_owned()));
    expected.push(("erase_person".to_owned(), "c1".to_owned()));
    expected.sort();
    assert_eq!(fixture.tasks().await, expected);
    finish(&fixture, &theirs).await;
}

/// Reports about their bookings, before and after, have no name, and are still recognised.
pub async fn reports_about_them_hold_no_name(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let before = booking_event("e1", "booked");
    let after = event_at("e2", "confirmed", "2026-01-05T10:00:00.000Z");
    booking.receive(&before).await;
    store.request_erasure(&before.client, fixture.now()).await.expect(ANSWERS);
    assert_eq!(booking.receive(&after).await, ReceiveOutcome::Stored);
    for report in [&before, &after] {
        let id = report.id.as_str();
        let kept = booking.pending(id).await.expect("it waits").event;
        assert_eq!(kept.client_first_name, None, "{id}");
        assert_eq!(booking.receive(report).await, ReceiveOutcome::Known, "{id}");
    }
}

/// Nobody is forgotten without a request.
pub async fn nobody_is_forgotten_unasked(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let before = (conversation.state().await, conversation.log().await);
    assert_eq!(erase(&conversation, &conversation.client, 10).await, []);
    assert_eq!(store.next_to_erase(&conversation.client).await.expect(ANSWERS), None);
    let receipt = store.finish_erasure(&conversation.client, fixture.now()).await.expect(ANSWERS);
    assert_eq!(receipt, None);
    // Nor is anybody forgotten where they are no participant.
    store.request_erasure(&user("c2"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(erase(&conversation, &user("c2"), 10).await, []);
    assert_eq!((conversation.state().await, conversation.log().await), before);
}

// Data exports.

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).expect("a good name")
}

fn later(at: Timestamp, by_ms: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + by_ms).expect("in range")
}

async fn request(fixture: &Fixture<'_>, name: &str, at: Timestamp) -> Export {
    let asked = fixture.store.request_export(&user("c1"), &key(name), at).await;
    asked.expect(ANSWERS).expect("nobody forgot them")
}

async fn finish_export(fixture: &Fixture<'_>, name: &str, at: Timestamp) -> bool {
    let ready = ReadyExport::new(1_000, at);
    fixture.store.finish_export(&user("c1"), &key(name), &ready).await.expect(ANSWERS)
}

/// A request enqueues one job; repeated within a day it changes nothing, and afterwards it is a new
/// one.
pub async fn an_archive_is_asked_for_once_a_day(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), None);
    let at = fixture.now();
    let first = request(&fixture, "first", at).await;
    let expected = Export { person: user("c1"), key: key("first"), requested_at: at, ready: None };
    assert_eq!(first, expected);
    assert_eq!(request(&fixture, "second", later(at, EXPORT_LIFETIME_MS - 1)).await, expected);
    assert_eq!(fixture.tasks().await, [("export_person".to_owned(), "c1".to_owned())]);
    let again = request(&fixture, "third", later(at, EXPORT_LIFETIME_MS)).await;
    assert_eq!(again.key, key("third"));
    assert_eq!(fixture.tasks().await.len(), 2);
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), Some(again));
}

/// An archive that nobody requested is not finished; a finished one can be downloaded for a day and
/// is then deleted by a job.
pub async fn an_archive_is_finished_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    assert!(!finish_export(&fixture, "first", fixture.now()).await);
    request(&fixture, "first", fixture.now()).await;
    let at = fixture.now();
    assert!(!finish_export(&fixture, "other", at).await);
    assert!(finish_export(&fixture, "first", at).await);
    assert!(!finish_export(&fixture, "first", fixture.now()).await);
    let found = store.export(&user("c1")).await.expect(ANSWERS).expect("it is there");
    assert_eq!(found.ready, Some(ReadyExport::new(1_000, at)));
    let tasks = fixture.tasks().await;
    assert!(tasks.contains(&("delete_object".to_owned(), "first".to_owned())), "{tasks:?}");
}

/// A forgotten person has no archive, cannot request one, and one in progress is not finished.
pub async fn an_archive_goes_with_its_person(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    request(&fixture, "first", fixture.now()).await;
    store.request_erasure(&user("c1"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), None);
    assert!(!finish_export(&fixture, "first", fixture.now()).await);
    let tasks = fixture.tasks().await;
    assert!(tasks.contains(&("delete_object".to_owned(), "first".to_owned())), "{tasks:?}");
    let refused = store.request_export(&user("c1"), &key("second"), fixture.now()).await;
    assert_eq!(refused.expect(ANSWERS), None);
}

/// The archives of a forgotten person's partners are deleted too, at the request and at completion:
/// they contain their messages. A new request builds another.
pub async fn an_archive_goes_with_the_other_side(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.conversation("s1", "c1").await;
    fixture.add_participant(&client("c2")).await;
    let request = async |person: &str, name: &str| {
        let asked = store.request_export(&user(person), &key(name), fixture.now()).await;
        asked.expect(ANSWERS).expect("nobody forgot them").key
    };
    request("s1", "before").await;
    request("c2", "stranger").await;
    store.request_erasure(&user("c1"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(request("s1", "between").await, key("between"));
    store.finish_erasure(&user("c1"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(request("s1", "after").await, key("after"));
    assert_eq!(request("c2", "again").await, key("stranger"));
    let tasks = fixture.tasks().await;
    for name in ["before", "between"] {
        let deletion = ("delete_object".to_owned(), name.to_owned());
        assert!(tasks.contains(&deletion), "{name}: {tasks:?}");
    }
}

// The audit log.

async fn audit_log(store: &dyn Store) -> Vec<(Actor, AuditAction, String)> {
    let mut entries = store.audit(100).await.expect(ANSWERS);
    entries.reverse();
    entries.into_iter().map(|entry| (entry.actor, entry.action, entry.subject)).collect()
}

/// Exports and erasures, from request to completion, each once.
pub async fn erasures_and_exports_are_in_the_audit_log(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    let (person, key) = (user("c1"), ObjectKey::parse("archive").expect("good"));
    let asked_at = fixture.now();
    for at in [asked_at, fixture.now()] {
        store.request_export(&person, &key, at).await.expect(ANSWERS);
    }
    let ready = ReadyExport::new(1, fixture.now());
    assert!(store.finish_export(&person, &key, &ready).await.expect(ANSWERS));
    for _ in 0..2 {
        store.request_erasure(&person, fixture.now()).await.expect(ANSWERS);
    }
    for _ in 0..2 {
        store.finish_erasure(&person, fixture.now()).await.expect(ANSWERS);
    }
    let c1 = || "c1".to_owned();
    let expected = [
        (Actor::Person(person), AuditAction::ExportRequested, c1()),
        (Actor::Service, AuditAction::Exported, c1()),
        (Actor::Service, AuditAction::ErasureRequested, c1()),
        (Actor::Service, AuditAction::Erased, c1()),
    ];
    assert_eq!(audit_log(store).await, expected);
    let AuditEntry { at, action, .. } = store.audit(1).await.expect(ANSWERS).remove(0);
    assert_eq!(action, AuditAction::Erased);
    assert!(at > asked_at, "newest first, with its time: {at}");
}

/// Policies and legal holds; no-ops are not recorded.
pub async fn retention_changes_are_in_the_audit_log(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let policy = RetentionPolicy::new(90, None).expect("good");
    store.put_retention_policy(policy, fixture.now()).await.expect(ANSWERS);
    let own = SalonRetention { policy: None, is_held: true };
    store.put_salon_retention(&conversation.salon, own, fixture.now()).await.expect(ANSWERS);
    for _ in 0..2 {
        store.hold_conversation(&conversation.id, fixture.now()).await.expect(ANSWERS);
    }
    for _ in 0..2 {
        store.release_conversation(&conversation.id).await.expect(ANSWERS);
        store.drop_salon_retention(&conversation.salon).await.expect(ANSWERS);
    }
    let (salon, conversation) = (conversation.salon.as_str(), conversation.id.as_str());
    let expected = [
        (AuditAction::PolicyChanged, ""),
        (AuditAction::PolicyChanged, salon),
        (AuditAction::Held, conversation),
        (AuditAction::Released, conversation),
        (AuditAction::PolicyChanged, salon),
    ];
    let expected = expected.map(|(action, subject)| (Actor::Service, action, subject.to_owned()));
    assert_eq!(audit_log(store).await, expected);
}

/// Everybody who is to be forgotten is listed in pages and can be erased again elsewhere, where the
/// audit log names the operator, also for completing what somebody else began.
pub async fn who_was_forgotten_is_listed_and_forgotten_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c2")).await;
    for id in ["c3", "c1"] {
        store.request_erasure(&user(id), fixture.now()).await.expect(ANSWERS);
    }
    let receipt = store.replay_erasure(&user("c2"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(receipt.finished_at, None);
    let again = store.replay_erasure(&user("c2"), fixture.now()).await.expect(ANSWERS);
    assert_eq!(again, receipt);
    let first = store.erased_people(None, 2).await.expect(ANSWERS);
    assert_eq!(first, [user("c1"), user("c2")]);
    let rest = store.erased_people(first.last().cloned(), 2).await.expect(ANSWERS);
    assert_eq!(rest, [user("c3")]);
    let known = store.participant(&user("c2")).await.expect(ANSWERS).expect("the id stays");
    assert_eq!(known.profile.first_name, None);
    store.replay_erasure(&user("c1"), fixture.now()).await.expect(ANSWERS);
    for id in ["c1", "c2", "c3"] {
        store.finish_erasure(&user(id), fixture.now()).await.expect(ANSWERS);
    }
    // A completed erasure stays as it was recorded.
    store.replay_erasure(&user("c3"), fixture.now()).await.expect(ANSWERS);
    store.finish_erasure(&user("c3"), fixture.now()).await.expect(ANSWERS);
    let expected = [
        (Actor::Service, AuditAction::ErasureRequested, "c3"),
        (Actor::Service, AuditAction::ErasureRequested, "c1"),
        (Actor::Operator, AuditAction::ErasureRequested, "c2"),
        (Actor::Operator, AuditAction::Erased, "c1"),
        (Actor::Operator, AuditAction::Erased, "c2"),
        (Actor::Service, AuditAction::Erased, "c3"),
    ];
    let expected = expected.map(|(actor, action, subject)| (actor, action, subject.to_owned()));
    assert_eq!(audit_log(store).await, expected);
}
