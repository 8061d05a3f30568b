//! The one way in which conversations change.

use std::sync::Arc;

use futures_util::future::join_all;

use super::setup::{ANSWERS, Booking, Fixture, TestConversation, at, event_at, sending};
use crate::{
    conversation::{
        Status,
        event::{Event, EventKind},
        ledger::{Command, Open, Post, ReadTarget, Refusal, StatusEdit, SystemMessage},
        message::Draft,
        store::Committed,
    },
    ids::{AppointmentId, AttachmentId, ConversationId, UserId},
    page::Window,
    retention::PurgeBounds,
    store::Store,
    testing::fixture::{RecordingFanout, keyed, text, user},
};

/// Commits a command now, published to `fanout`.
async fn commit(
    fixture: &Fixture<'_>,
    fanout: &Arc<RecordingFanout>,
    conversation: &ConversationId,
    command: Command,
) -> Result<Committed, Refusal> {
    let committed = fixture.store.commit(conversation, command, fixture.now(), fanout.clone());
    committed.await.expect(ANSWERS)
}

fn post(fixture: &Fixture<'_>, author: &UserId, draft: Draft) -> Command {
    Command::Post(Post {
        id: fixture.new_id(),
        author: author.clone(),
        attachments: draft.attachment_ids(|| fixture.new_id()),
        draft,
    })
}

fn edit(by: &UserId, status: Status) -> Command {
    Command::Edit { by: by.clone(), subject: None, status: Some(StatusEdit::Set(status)) }
}

fn seqs(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.seq.get()).collect()
}

/// The events that an outcome names are published before it is returned, and they are in the log.
pub async fn events_are_published_before_a_commit_returns(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let plan = fixture.plan("s1", "c1").await;
    let opening = fixture.opening("Bienvenue");
    let open = Command::Open(Open {
        parties: plan.parties.clone(),
        appointment: None,
        subject: None,
        status: Status::Active,
        message: Some(SystemMessage { id: opening.id, content: opening.content, notice: None }),
        handles: None,
    });
    let conversation = TestConversation::at(&fixture, &plan);
    let (salon, client) = (&conversation.salon, &conversation.client);
    let commands = [
        (open, 2),
        (Command::MarkRead { reader: client.clone(), target: ReadTarget::Everything }, 1),
        (edit(salon, Status::Archived), 1),
        (post(&fixture, client, text("Bonjour")), 3),
        (Command::DeleteConversation { by: salon.clone() }, 1),
    ];
    fanout.set_watching(&conversation.id, salon, true);
    let mut all = vec![];
    for (command, expected) in commands {
        let said = format!("{command:?}");
        let committed = commit(&fixture, &fanout, &conversation.id, command).await;
        let committed = committed.unwrap_or_else(|refusal| panic!("{said}: {refusal:?}"));
        assert_eq!(committed.parties, plan.parties);
        let events = committed.changes.events;
        assert_eq!((fanout.take(), events.len()), (events.clone(), expected), "{said}");
        all.extend(events);
    }
    assert_eq!(seqs(&all), (1..=8).collect::<Vec<_>>());
    assert_eq!(seqs(&conversation.log().await), seqs(&all));
}

/// Of eight committers at once the positions have no gap, and events are published in their order.
pub async fn events_of_eight_committers_are_published_in_order(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let conversation = fixture.conversation("s1", "c1").await;
    let other = fixture.conversation("s2", "c1").await;
    fanout.set_watching(&conversation.id, &conversation.client, true);
    let committers = (0..8).map(|number| {
        let (fixture, fanout, conversation) = (&fixture, &fanout, &conversation);
        let author = if number % 2 == 0 { &conversation.salon } else { &conversation.client };
        let other = &other;
        async move {
            for _ in 0..5 {
                let command = post(fixture, author, text("Bonjour"));
                let committed = commit(fixture, fanout, &conversation.id, command).await;
                committed.expect("a participant may");
                let command = post(fixture, &other.client, text("Bonjour"));
                let committed = commit(fixture, fanout, &other.id, command).await;
                committed.expect("a participant may");
            }
        }
    });
    join_all(committers).await;

    let published = fanout.take();
    for (conversation, newest) in [(&conversation, 61), (&other, 41)] {
        let published = published.iter().filter(|event| event.conversation == conversation.id);
        let published: Vec<_> = published.cloned().collect();
        assert_eq!(seqs(&published), (2..=newest).collect::<Vec<_>>());
        assert_eq!(conversation.state().await.last_seq, at(newest));
        assert_eq!(seqs(&conversation.log().await), (1..=newest).collect::<Vec<_>>());
    }
}

/// A refusal changes nothing and publishes nothing, and so does a command that finds things as it
/// wants them.
pub async fn a_refusal_changes_and_publishes_nothing(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let mut plan = fixture.plan("s1", "c1").await;
    plan.appointment = AppointmentId::parse("rdv-1").ok();
    let (conversation, _) = fixture.open(&plan).await;
    let (salon, client, stranger) = (&conversation.salon, &conversation.client, user("s9"));
    let first = conversation.send(client, keyed("Bonjour", "k1")).await.message;
    let before = (conversation.view(salon).await, conversation.log().await);

    let unknown = || Refusal::UnknownConversation;
    let bounds = PurgeBounds { last_message_by: fixture.now(), changed_by: fixture.now() };
    let open = Open {
        parties: plan.parties.clone(),
        appointment: plan.appointment.clone(),
        subject: None,
        status: Status::Active,
        message: None,
        handles: None,
    };
    let nowhere: AttachmentId = fixture.new_id();
    let upload = sending(&[&nowhere], None);
    let refused = [
        (post(&fixture, &stranger, text("Bonjour")), unknown()),
        (post(&fixture, client, keyed("Autre", "k1")), Refusal::KeyKnown(first.id.clone())),
        (post(&fixture, client, upload), Refusal::UnknownUpload),
        (Command::MarkRead { reader: stranger.clone(), target: ReadTarget::Everything }, unknown()),
        (
            Command::DeleteMessage { message: first.id.clone(), by: salon.clone() },
            Refusal::UnknownMessage,
        ),
        (edit(&stranger, Status::Archived), unknown()),
        (Command::DeleteConversation { by: stranger.clone() }, unknown()),
        (Command::Purge { bounds, messages_max: 9 }, Refusal::NotDue),
        (Command::Erase { person: client.clone(), messages_max: 9 }, Refusal::NotDue),
    ];
    for (command, expected) in refused {
        let said = format!("{command:?}");
        let outcome = commit(&fixture, &fanout, &conversation.id, command).await;
        assert_eq!(outcome, Err(expected), "{said}");
    }
    let second = commit(&fixture, &fanout, &fixture.new_id(), Command::Open(open)).await;
    assert_eq!(second, Err(Refusal::AlreadyOpen(conversation.id.clone())));
    let nowhere = post(&fixture, client, text("Bonjour"));
    let nowhere = commit(&fixture, &fanout, &fixture.new_id(), nowhere).await;
    assert_eq!(nowhere, Err(unknown()));
    let own = Command::MarkRead { reader: client.clone(), target: ReadTarget::Everything };
    for command in [edit(salon, Status::Active), own] {
        let outcome = commit(&fixture, &fanout, &conversation.id, command).await;
        assert_eq!(outcome.expect("it may").changes.events, []);
    }
    assert_eq!((conversation.view(salon).await, conversation.log().await), before);
    assert_eq!(fixture.list(client, None, &Window::first(9)).await.total, 1);
    assert_eq!(fanout.published(), []);
}

/// Who is watching is asked of the fan-out by the store, and of the person who would read the message.
pub async fn a_message_is_read_at_once_by_its_reader_who_is_watching(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let conversation = fixture.conversation("s1", "c1").await;
    let other = fixture.conversation("s2", "c1").await;
    let (salon, client) = (&conversation.salon, &conversation.client);
    fanout.set_watching(&conversation.id, client, true);
    fanout.set_watching(&other.id, salon, true);
    let send = async || {
        let command = post(&fixture, client, text("Bonjour"));
        let committed = commit(&fixture, &fanout, &conversation.id, command).await.expect("it may");
        let message = committed.changes.message.expect("it was posted").message;
        (message.is_read, committed.changes.mail_to, committed.unread.salon)
    };
    assert_eq!(send().await, (false, Some(salon.clone()), 1), "the author alone is watching");
    fanout.set_watching(&conversation.id, salon, true);
    assert_eq!(send().await, (true, None, 0));
    fanout.set_watching(&conversation.id, salon, false);
    assert_eq!(send().await, (false, Some(salon.clone()), 1));
}

/// An outcome says how many messages each side has not read.
pub async fn a_commit_says_what_each_side_has_not_read(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let conversation = fixture.conversation("s1", "c1").await;
    let (salon, client) = (&conversation.salon, &conversation.client);
    conversation.send_text(client, "Bonjour").await;
    conversation.send_text(salon, "Bonjour").await;
    conversation.send_text(salon, "Samedi ?").await;
    let archive = edit(salon, Status::Archived);
    let committed = commit(&fixture, &fanout, &conversation.id, archive).await.expect("it may");
    assert_eq!((committed.unread.salon, committed.unread.client), (1, 2));
    let read = Command::MarkRead { reader: client.clone(), target: ReadTarget::Everything };
    let committed = commit(&fixture, &fanout, &conversation.id, read).await.expect("it may");
    assert_eq!(committed.unread.client, 0);
}

/// Of two commits of one event of a booking at once one handles it, and the other publishes nothing.
pub async fn a_booking_event_is_handled_once_under_two_commits(store: &dyn Store) {
    let (fixture, fanout) = (Fixture::new(store), Arc::new(RecordingFanout::new()));
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    let event = event_at("e1", "cancelled", "2026-01-05T10:00:00.000Z");
    booking.receive(&event).await;
    let changes = [booking.change("e1").await, booking.change("e1").await];
    let outcomes = changes.map(|change| {
        let (id, command) = change.into_command(event.id.clone());
        let (fixture, fanout) = (&fixture, &fanout);
        async move { commit(fixture, fanout, &id, command).await }
    });
    let outcomes = join_all(outcomes).await;

    let handled: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(handled.len(), 1, "{outcomes:?}");
    assert_eq!(handled[0].changes.handled.as_ref(), Some(&event.id));
    assert!(outcomes.contains(&Err(Refusal::AlreadyHandled)), "{outcomes:?}");
    let published = fanout.take();
    assert_eq!(published, handled[0].changes.events);
    assert!(matches!(published[..], [Event { kind: EventKind::MessagePosted(_), .. }]));
    assert_eq!(booking.pending("e1").await, None);
    assert_eq!(conversation.texts().await.len(), 2);
}
