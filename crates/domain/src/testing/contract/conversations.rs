//! Opening conversations.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, TestConversation, after, at, page};
use crate::{
    conversation::{
        ConversationView, Horizons, Status,
        event::EventKind,
        ledger::{ReadTarget, StatusEdit},
        message::MessageKind,
    },
    ids::{AppointmentId, ConversationId, Seq, UserId},
    page::{ConversationCursor, Window},
    store::Store,
    testing::{
        commands::{Commands, OpenConversation, OpenOutcome, PostOutcome},
        fixture::{client, keyed, pictures, salon, text, user},
    },
    text::Subject,
};

fn booking(id: &str) -> AppointmentId {
    AppointmentId::parse(id).expect("a good id")
}

/// Everything asked for is there, for both sides; nothing else is.
pub async fn a_conversation_is_as_it_was_asked_for(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.appointment = Some(booking("rdv-1"));
    plan.subject = Some(Subject::open("Un tatouage").expect("it fits"));
    let (conversation, events) = fixture.open(&plan).await;

    let event = &events[0];
    let (subject, status) = (plan.subject.clone(), Status::Active);
    let opened = EventKind::ConversationOpened { subject, status };
    assert_eq!((events.len(), event.seq.get(), &event.kind), (1, 1, &opened));
    assert_eq!((&event.conversation, &event.parties), (&plan.id, &plan.parties));
    assert_eq!((event.at, &event.actor), (plan.at, &conversation.salon));

    for viewer in [&conversation.salon, &conversation.client] {
        let view = conversation.view(viewer).await;
        assert!(view.salon == salon("s1") && view.client == client("c1"), "{view:?}");
        assert_eq!((view.last_message, view.unread), (None, 0));
        let conversation = view.conversation;
        assert_eq!((&conversation.id, &conversation.parties), (&plan.id, &plan.parties));
        assert_eq!(conversation.appointment, plan.appointment);
        assert_eq!(conversation.subject, plan.subject);
        assert_eq!((conversation.status, conversation.last_seq.get()), (Status::Active, 1));
        assert_eq!(conversation.horizons, Horizons::default());
        let times =
            [conversation.created_at, conversation.updated_at, conversation.last_message_at];
        assert_eq!(times, [plan.at; 3]);
    }
    for viewer in [&plan.parties.salon, &plan.parties.client] {
        let parties = store.parties(&plan.id, viewer).await.expect(ANSWERS);
        assert_eq!(parties.as_ref(), Some(&plan.parties));
    }
    assert_eq!(store.parties(&plan.id, &user("stranger")).await.expect(ANSWERS), None);
}

/// The opening is a system message in the salon's name, so it waits for the client.
pub async fn an_opening_is_the_platform_s_and_waits_for_the_client(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.opening = Some(fixture.opening("Votre demande est acceptée"));
    let (conversation, events) = fixture.open(&plan).await;

    let [opened, said] = &events[..] else { panic!("two things happened: {events:?}") };
    let kind = EventKind::ConversationOpened { subject: None, status: Status::Active };
    assert_eq!((opened.seq.get(), &opened.kind), (1, &kind));
    let EventKind::MessagePosted(message) = &said.kind else { panic!("the opening: {said:?}") };
    assert_eq!((said.seq.get(), message.seq, &said.actor), (2, said.seq, &conversation.salon));
    assert_eq!(
        (message.kind, message.author.id == conversation.salon),
        (MessageKind::System, true)
    );
    assert_eq!((message.created_at, message.is_read, message.read_at), (plan.at, false, None));
    assert_eq!(message.content.as_str(), "Votre demande est acceptée");

    let view = conversation.view(&conversation.client).await;
    assert_eq!(view.unread, 1);
    assert_eq!(view.last_message.map(|last| last.kind), Some(MessageKind::System));
    assert_eq!(conversation.view(&conversation.salon).await.unread, 0);
    assert_eq!(conversation.texts().await, ["Votre demande est acceptée"]);
}

/// A second opening for the same booking of a salon finds the first, whoever the client is and
/// even when it is put away; nothing is changed by it.
pub async fn a_salon_has_one_conversation_for_a_booking(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut first = fixture.plan("s1", "c1").await;
    first.appointment = Some(booking("rdv-1"));
    let (conversation, _) = fixture.open(&first).await;
    conversation.archive().await;
    let before = (conversation.view(&conversation.client).await, conversation.log().await);

    for other in ["c1", "c2"] {
        let mut again = fixture.plan("s1", other).await;
        again.appointment = Some(booking("rdv-1"));
        again.opening = Some(fixture.opening("Encore"));
        assert_eq!(fixture.try_open(&again).await, OpenOutcome::AlreadyOpen(first.id.clone()));
        assert_eq!(store.parties(&again.id, &again.parties.salon).await.expect(ANSWERS), None);
    }
    assert_eq!((conversation.view(&conversation.client).await, conversation.log().await), before);
    assert_eq!(fixture.list(&user("s1"), None, &Window::first(10)).await.total, 1);
}

/// A booking of the same id at another salon is another booking, even when that salon is the
/// client of the first.
pub async fn another_salon_s_booking_is_its_own(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for (salon, client) in [("s1", "c1"), ("s2", "c1"), ("c1", "c2")] {
        let mut plan = fixture.plan(salon, client).await;
        plan.appointment = Some(booking("rdv-1"));
        fixture.open(&plan).await;
    }
    let list = fixture.list(&user("c1"), None, &Window::first(10)).await;
    assert_eq!(list.total, 3);
}

/// Without a booking the same two may have any number of conversations; so may they with several.
pub async fn the_same_two_may_have_several_conversations(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for appointment in [None, None, Some(booking("rdv-1")), Some(booking("rdv-2"))] {
        let plan = fixture.plan("s1", "c1").await;
        fixture.open(&OpenConversation { appointment, ..plan }).await;
    }
    assert_eq!(fixture.list(&user("c1"), None, &Window::first(10)).await.total, 4);
}

/// Of ten openings for a booking at the same moment, one opens and nine find it.
pub async fn of_ten_openings_at_once_one_opens(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plans = vec![];
    for _ in 0..10 {
        let mut plan = fixture.plan("s1", "c1").await;
        plan.appointment = Some(booking("rdv-1"));
        plan.opening = Some(fixture.opening("Bonjour"));
        plans.push(plan);
    }
    let outcomes = join_all(plans.iter().map(|plan| fixture.try_open(plan))).await;

    let opened: Vec<_> = plans
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, OpenOutcome::Opened(_)))
        .map(|(plan, _)| &plan.id)
        .collect();
    assert_eq!(opened.len(), 1, "{outcomes:?}");
    let found = OpenOutcome::AlreadyOpen(opened[0].clone());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == found).count(), 9, "{outcomes:?}");
    let list = fixture.list(&user("s1"), None, &Window::first(10)).await;
    assert_eq!((list.total, &list.items[0].conversation.id), (1, opened[0]));
    assert_eq!(fixture.unread_total(&user("c1")).await, 1);
}

// Changing subject and status.

fn updated(subject: Option<&str>, status: Status) -> EventKind {
    let subject = subject.map(|words| Subject::open(words).expect("it fits"));
    EventKind::ConversationUpdated { subject, status }
}

/// Either side names the conversation, renames it, and takes the name away.
pub async fn a_subject_is_set_and_removed(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for (by, subject) in [
        (&conversation.salon, Some("Bras")),
        (&conversation.client, Some("Dos")),
        (&conversation.salon, None),
    ] {
        let events = conversation
            .try_edit(by, Some(subject.unwrap_or_default()), None)
            .await
            .expect("takes part");
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0].kind, &events[0].actor), (&updated(subject, Status::Active), by));
        let now = conversation.state().await;
        assert_eq!(now.subject.as_ref().map(Subject::as_str), subject);
        assert_eq!((now.status, now.last_seq), (Status::Active, events[0].seq));
    }
}

/// A status is set to what is asked for, or to the other one.
pub async fn a_status_is_set_and_toggled(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for (edit, status) in [
        (StatusEdit::Set(Status::Archived), Status::Archived),
        (StatusEdit::Set(Status::Active), Status::Active),
        (StatusEdit::Toggle, Status::Archived),
        (StatusEdit::Toggle, Status::Active),
    ] {
        let events =
            conversation.try_edit(&conversation.salon, None, Some(edit)).await.expect("takes part");
        assert_eq!(events.len(), 1, "{edit:?} made {events:?}");
        assert_eq!(events[0].kind, updated(None, status));
        assert_eq!(conversation.state().await.status, status);
    }
}

/// Both may change in one go, which is one event; a change of one leaves the other.
pub async fn subject_and_status_change_together(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let both =
        conversation.try_edit(&conversation.salon, Some("Bras"), Some(StatusEdit::Toggle)).await;
    let both = both.expect("takes part");
    assert_eq!((both.len(), &both[0].kind), (1, &updated(Some("Bras"), Status::Archived)));
    let one = conversation.set_subject("Dos").await;
    assert_eq!((one.len(), &one[0].kind), (1, &updated(Some("Dos"), Status::Archived)));
}

/// What is so already, or is not asked for, is no change: no event, no position, no new time.
pub async fn what_is_already_so_is_not_changed(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.set_subject("Bras").await;
    let before = conversation.state().await;
    let active = Some(StatusEdit::Set(Status::Active));
    for (subject, status) in
        [(None, None), (Some("Bras"), None), (None, active), (Some("Bras"), active)]
    {
        assert_eq!(conversation.try_edit(&conversation.salon, subject, status).await, Some(vec![]));
    }
    assert_eq!(conversation.state().await, before);
}

/// An edit moves `updated_at`, and leaves the conversation where it is in the lists.
pub async fn an_edit_moves_no_conversation_up_the_list(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let before = conversation.state().await;
    let events = conversation.archive().await;
    let now = conversation.state().await;
    assert!(events[0].at > before.updated_at);
    assert_eq!((now.updated_at, now.last_message_at), (events[0].at, before.last_message_at));
    assert_eq!(now.created_at, before.created_at);
}

// Lists of conversations.

fn ids(items: &[ConversationView]) -> Vec<ConversationId> {
    items.iter().map(|view| view.conversation.id.clone()).collect()
}

/// Opens so many conversations of the salon `s1`, and names them newest first.
async fn open_conversations(fixture: &Fixture<'_>, conversations: usize) -> Vec<ConversationId> {
    let mut opened = vec![];
    for number in 0..conversations {
        opened.insert(0, fixture.conversation("s1", &format!("c{number}")).await.id);
    }
    opened
}

/// The newest message comes first, on both sides; each entry is as it is alone.
pub async fn conversations_come_newest_message_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    assert_eq!(
        ids(&fixture.list(&one.salon, None, &Window::first(9)).await.items),
        [other.id.clone(), one.id.clone()]
    );
    other.send_text(&other.salon, "Bonjour").await;
    one.send_text(&one.client, "Bonjour").await;
    other.archive().await;
    for viewer in [&one.salon, &one.client] {
        let list = fixture.list(viewer, None, &Window::first(9)).await;
        assert_eq!(list.items, [one.view(viewer).await, other.view(viewer).await]);
        assert_eq!((list.total, list.next), (2, None));
    }
}

/// Of the same moment, the greater id comes first, compared byte by byte.
pub async fn ties_are_settled_by_the_greater_id(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let now = fixture.now();
    for id in ["a", "B", "_", "1", "aa"] {
        let id = ConversationId::parse(id).expect("a good id");
        let plan = fixture.plan("s1", "c1").await;
        fixture.open(&OpenConversation { id, at: now, ..plan }).await;
    }
    let (mut met, mut window) = (vec![], Window::first(2));
    loop {
        let list = fixture.list(&user("c1"), None, &window).await;
        met.extend(ids(&list.items).iter().map(ToString::to_string));
        let Some(cursor) = list.next else { break };
        window = after(cursor, 2);
    }
    assert_eq!(met, ["aa", "a", "_", "B", "1"]);
}

/// A status narrows list and total alike.
pub async fn a_status_narrows_the_list_and_its_total(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, two) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c2").await);
    let three = fixture.conversation("s1", "c3").await;
    two.archive().await;
    for (status, expected) in [
        (None, vec![&three.id, &two.id, &one.id]),
        (Some(Status::Active), vec![&three.id, &one.id]),
        (Some(Status::Archived), vec![&two.id]),
    ] {
        let list = fixture.list(&user("s1"), status, &Window::first(1)).await;
        assert_eq!((list.total, list.next.is_some()), (expected.len() as u64, expected.len() > 1));
        let list = fixture.list(&user("s1"), status, &Window::first(9)).await;
        assert_eq!(ids(&list.items).iter().collect::<Vec<_>>(), expected);
    }
}

/// By number, each conversation is on one page; beyond the last there is an empty one.
pub async fn numbered_pages_hold_each_conversation_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let opened = open_conversations(&fixture, 5).await;
    for (number, expected) in [(1, &opened[..2]), (2, &opened[2..4]), (3, &opened[4..]), (4, &[])] {
        let list = fixture.list(&user("s1"), None, &page(number, 2)).await;
        assert_eq!(ids(&list.items), expected);
        assert_eq!((list.total, list.next.is_some()), (5, number < 3));
    }
}

/// By cursor, each conversation is met once, while new ones open.
pub async fn cursors_meet_each_conversation_once_while_new_ones_open(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let opened = open_conversations(&fixture, 5).await;
    let (mut met, mut window) = (vec![], Window::first(2));
    loop {
        let list = fixture.list(&user("s1"), None, &window).await;
        met.extend(ids(&list.items));
        fixture.conversation("s1", "late").await;
        let Some(cursor) = list.next else { break };
        window = after(cursor, 2);
    }
    assert_eq!(met, opened);
}

/// A cursor names a place, which stays when its conversation goes. A status narrows what is behind
/// it too.
pub async fn a_cursor_outlives_its_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let opened = open_conversations(&fixture, 4).await;
    let first = fixture.list(&user("s1"), None, &Window::first(2)).await;
    let cursor = first.next.expect("two more");
    let last = &first.items[1].conversation;
    assert_eq!(
        cursor,
        ConversationCursor { last_message_at: last.last_message_at, id: last.id.clone() }
    );
    store
        .delete_conversation(&last.id, &user("s1"), fixture.now())
        .await
        .expect("the store answers");

    let rest = fixture.list(&user("s1"), None, &after(cursor.clone(), 2)).await;
    assert_eq!((ids(&rest.items), rest.total, rest.next), (opened[2..].to_vec(), 3, None));
    let none = fixture.list(&user("s1"), Some(Status::Archived), &after(cursor, 2)).await;
    assert_eq!((none.items.len(), none.total), (0, 0));
}

/// A list holds what is one's own, on whichever side, and nothing else.
pub async fn a_list_holds_only_one_s_own(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let as_client = fixture.conversation("s1", "u1").await;
    let as_salon = fixture.conversation("u1", "c1").await;
    let foreign = fixture.conversation("s1", "c1").await;
    for (viewer, expected) in [
        ("u1", vec![&as_salon.id, &as_client.id]),
        ("s1", vec![&foreign.id, &as_client.id]),
        ("c1", vec![&foreign.id, &as_salon.id]),
        ("nobody", vec![]),
    ] {
        let list = fixture.list(&user(viewer), None, &Window::first(9)).await;
        assert_eq!(ids(&list.items).iter().collect::<Vec<_>>(), expected, "of {viewer}");
        assert_eq!(list.total, expected.len() as u64);
    }
}

// Conversations that were taken away.

/// What was taken away is in no query of either side.
pub async fn a_deleted_conversation_is_in_no_query(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let theirs = conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.send_text(&conversation.salon, "Oui ?").await;
    let last_seq = conversation.state().await.last_seq;
    let event = conversation.delete_conversation().await;
    assert_eq!((event.seq, &event.actor), (last_seq.next(), &conversation.salon));
    assert_eq!(
        (&event.conversation, &event.kind),
        (&conversation.id, &EventKind::ConversationDeleted)
    );
    assert_eq!(
        (&event.parties.salon, &event.parties.client),
        (&conversation.salon, &conversation.client)
    );

    assert_eq!(store.parties(&conversation.id, &conversation.salon).await.expect(ANSWERS), None);
    for viewer in [&conversation.salon, &conversation.client] {
        assert_eq!(conversation.try_view(viewer).await, None);
        assert_eq!(conversation.try_history(viewer, &Window::first(9)).await, None);
        assert_eq!(conversation.find(viewer, &theirs).await, None);
        let list = fixture.list(viewer, None, &Window::first(9)).await;
        assert_eq!((list.items.len(), list.total), (0, 0));
        assert_eq!(fixture.unread_total(viewer).await, 0);
        assert_eq!(fixture.unread_conversations(viewer, 9).await, []);
    }
}

/// Nothing more happens in what was taken away, and its log does not grow.
pub async fn nothing_happens_where_nothing_is_any_more(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send(&conversation.client, keyed("Bonjour", "k1")).await.message;
    conversation.delete_conversation().await;

    for draft in [text("Encore moi"), keyed("Bonjour", "k1")] {
        assert_eq!(
            conversation.try_send(&conversation.client, draft).await,
            PostOutcome::UnknownConversation
        );
    }
    assert_eq!(conversation.delete(&message).await, None);
    assert_eq!(conversation.try_mark_read(&conversation.salon, ReadTarget::Everything).await, None);
    assert_eq!(conversation.try_edit(&conversation.salon, Some("Bras"), None).await, None);
    assert_eq!(conversation.delete_conversation_as(&conversation.salon).await, None);
    assert_eq!(conversation.log().await.len(), 3);
}

/// Its log stays, for those who took part and nobody else, and tells of no text.
pub async fn a_log_outlives_its_conversation_without_any_text(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let elsewhere = fixture.conversation("s1", "c2").await;
    conversation.set_subject("un secret").await;
    let message =
        conversation.send(&conversation.client, pictures("un secret", 1, None)).await.message;
    conversation.mark_read(&conversation.salon).await;
    let event = conversation.delete_conversation().await;

    let log = conversation.log().await;
    assert!(log.iter().map(|event| event.seq.get()).eq(1..=5));
    assert!(matches!(log[0].kind, EventKind::ConversationOpened { subject: None, .. }), "{log:?}");
    assert!(matches!(log[1].kind, EventKind::ConversationUpdated { subject: None, .. }), "{log:?}");
    assert_eq!(log[2].kind, EventKind::MessageWithdrawn(message.id.clone()));
    assert!(matches!(log[3].kind, EventKind::MessagesRead(_)), "{log:?}");
    assert_eq!(log[4], event);
    assert_eq!(conversation.log_as(&conversation.salon, at(4), 10).await, Some(vec![event]));
    for stranger in [&elsewhere.client, &user("nobody")] {
        assert_eq!(conversation.log_as(stranger, Seq::ZERO, 10).await, None);
    }
}

/// A booking is free again once its conversation was taken away.
pub async fn its_booking_can_be_opened_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Some(AppointmentId::parse("rdv-1").expect("a good id"));
    for _ in 0..3 {
        let mut plan = fixture.plan("s1", "c1").await;
        plan.appointment.clone_from(&booking);
        let (conversation, _) = fixture.open(&plan).await;
        assert_eq!(conversation.state().await.appointment, booking);
        conversation.delete_conversation().await;
    }
}

/// What is taken away takes nothing else with it.
pub async fn other_conversations_stay(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (gone, stays) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    gone.send_text(&gone.client, "Bonjour").await;
    stays.send_text(&stays.client, "Bonsoir").await;
    gone.delete_conversation().await;
    let view = stays.view(&stays.salon).await;
    assert_eq!((view.unread, stays.texts().await), (1, vec!["Bonsoir".to_owned()]));
    assert_eq!(fixture.list(&user("s1"), None, &Window::first(9)).await.items, [view]);
    assert_eq!(fixture.unread_total(&user("s1")).await, 1);
}

// A person who is no participant finds nothing and changes nothing.

async fn assert_shut_out(
    conversation: &TestConversation<'_>,
    fixture: &Fixture<'_>,
    stranger: &UserId,
) {
    let message = conversation.history(&Window::first(1)).await.page.items.remove(0);
    let before = (conversation.view(&conversation.salon).await, conversation.log().await);

    assert_eq!(conversation.try_view(stranger).await, None);
    assert_eq!(conversation.try_history(stranger, &Window::first(9)).await, None);
    assert_eq!(conversation.find(stranger, &message).await, None);
    assert_eq!(conversation.log_as(stranger, Seq::ZERO, 10).await, None);
    let listed = fixture.list(stranger, None, &Window::first(100)).await;
    assert!(listed.items.iter().all(|view| view.conversation.id != conversation.id));
    let waiting = fixture.unread_conversations(stranger, 100).await;
    assert!(waiting.iter().all(|one| one.id != conversation.id));

    let said = conversation.try_send(stranger, keyed("Bonjour", "k1")).await;
    assert_eq!(said, PostOutcome::UnknownConversation);
    assert_eq!(conversation.delete_as(stranger, &message).await, None);
    for target in [ReadTarget::Everything, ReadTarget::UpTo(message.seq)] {
        assert_eq!(conversation.try_mark_read(stranger, target).await, None);
    }
    let archived = Some(StatusEdit::Set(Status::Archived));
    assert_eq!(conversation.try_edit(stranger, Some("Bras"), archived).await, None);
    assert_eq!(conversation.delete_conversation_as(stranger).await, None);

    assert_eq!((conversation.view(&conversation.salon).await, conversation.log().await), before);
}

/// A person without any conversation, in the directory or not.
pub async fn a_stranger_is_shut_out(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send(&conversation.client, keyed("Bonjour", "k1")).await;
    fixture.add_participant(&client("c2")).await;
    for stranger in ["c2", "nobody", "S1", "C1"] {
        assert_shut_out(&conversation, &fixture, &user(stranger)).await;
    }
}

/// Another client of the same salon, and another salon of the same client.
pub async fn participants_of_other_conversations_are_shut_out(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let (same_salon, same_client) =
        (fixture.conversation("s1", "c2").await, fixture.conversation("s2", "c1").await);
    for one in [&conversation, &same_salon, &same_client] {
        one.send(&one.client, keyed("Bonjour", "k1")).await;
    }
    assert_shut_out(&conversation, &fixture, &same_salon.client).await;
    assert_shut_out(&conversation, &fixture, &same_client.salon).await;
}

/// A conversation that never was is nobody's.
pub async fn where_nothing_is_nothing_is_found(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let plan = fixture.plan("s1", "c1").await;
    let nowhere = TestConversation::at(&fixture, &plan);
    assert_eq!(store.parties(&plan.id, &plan.parties.salon).await.expect(ANSWERS), None);
    assert_eq!(nowhere.try_view(&nowhere.salon).await, None);
    assert_eq!(nowhere.try_history(&nowhere.salon, &Window::first(9)).await, None);
    assert_eq!(nowhere.try_mark_read(&nowhere.salon, ReadTarget::Everything).await, None);
    assert_eq!(nowhere.try_edit(&nowhere.salon, None, Some(StatusEdit::Toggle)).await, None);
    assert_eq!(nowhere.delete_conversation_as(&nowhere.salon).await, None);
    let said = nowhere.try_send(&nowhere.salon, text("Bonjour")).await;
    assert_eq!(said, PostOutcome::UnknownConversation);
    assert_eq!(nowhere.log_as(&nowhere.salon, Seq::ZERO, 10).await, None);
}
