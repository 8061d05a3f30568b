//! Opening conversations.

use futures_util::future::join_all;

use super::stage::{ANSWERS, Stage};
use crate::{
    conversation::Status,
    event::EventKind,
    id::AppointmentId,
    message::MessageKind,
    page::Window,
    ports::{OpenConversation, OpenOutcome, Store},
    reading::Horizons,
    testing::fixture::{client, salon, user},
    text::Subject,
};

fn booking(id: &str) -> AppointmentId {
    AppointmentId::parse(id).expect("a good id")
}

/// Everything asked for is there, for both sides; nothing else is.
pub async fn a_conversation_is_as_it_was_asked_for(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut plan = stage.plan("s1", "c1").await;
    plan.appointment = Some(booking("rdv-1"));
    plan.subject = Some(Subject::open("Un tatouage").expect("it fits"));
    let (talk, events) = stage.open(&plan).await;

    let event = &events[0];
    let (subject, status) = (plan.subject.clone(), Status::Active);
    let opened = EventKind::ConversationOpened { subject, status };
    assert_eq!((events.len(), event.seq.get(), &event.kind), (1, 1, &opened));
    assert_eq!((&event.conversation, &event.parties), (&plan.id, &plan.parties));
    assert_eq!((event.at, &event.actor), (plan.at, &talk.salon));

    for viewer in [&talk.salon, &talk.client] {
        let view = talk.view(viewer).await;
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
    assert_eq!(store.parties(&plan.id).await.expect(ANSWERS), Some(plan.parties));
}

/// The opening is a system message in the salon's name, so it waits for the client.
pub async fn an_opening_is_the_platform_s_and_waits_for_the_client(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut plan = stage.plan("s1", "c1").await;
    plan.opening = Some(stage.opening("Votre demande est acceptée"));
    let (talk, events) = stage.open(&plan).await;

    let [opened, said] = &events[..] else { panic!("two things happened: {events:?}") };
    let kind = EventKind::ConversationOpened { subject: None, status: Status::Active };
    assert_eq!((opened.seq.get(), &opened.kind), (1, &kind));
    let EventKind::MessagePosted(message) = &said.kind else { panic!("the opening: {said:?}") };
    assert_eq!((said.seq.get(), message.seq, &said.actor), (2, said.seq, &talk.salon));
    assert_eq!((message.kind, message.author.id == talk.salon), (MessageKind::System, true));
    assert_eq!((message.created_at, message.is_read, message.read_at), (plan.at, false, None));
    assert_eq!(message.content.as_str(), "Votre demande est acceptée");

    let view = talk.view(&talk.client).await;
    assert_eq!(view.unread, 1);
    assert_eq!(view.last_message.map(|last| last.kind), Some(MessageKind::System));
    assert_eq!(talk.view(&talk.salon).await.unread, 0);
    assert_eq!(talk.words().await, ["Votre demande est acceptée"]);
}

/// A second opening for the same booking of a salon finds the first, whoever the client is and
/// even when it is put away; nothing is changed by it.
pub async fn a_salon_has_one_conversation_for_a_booking(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut first = stage.plan("s1", "c1").await;
    first.appointment = Some(booking("rdv-1"));
    let (talk, _) = stage.open(&first).await;
    talk.archive().await;
    let before = (talk.view(&talk.client).await, talk.log().await);

    for other in ["c1", "c2"] {
        let mut again = stage.plan("s1", other).await;
        again.appointment = Some(booking("rdv-1"));
        again.opening = Some(stage.opening("Encore"));
        assert_eq!(stage.try_open(&again).await, OpenOutcome::AlreadyOpen(first.id.clone()));
        assert_eq!(store.parties(&again.id).await.expect(ANSWERS), None);
    }
    assert_eq!((talk.view(&talk.client).await, talk.log().await), before);
    assert_eq!(stage.list(&user("s1"), None, &Window::first(10)).await.total, 1);
}

/// A booking of the same id at another salon is another booking, even when that salon is the
/// client of the first.
pub async fn another_salon_s_booking_is_its_own(store: &dyn Store) {
    let stage = Stage::new(store);
    for (salon, client) in [("s1", "c1"), ("s2", "c1"), ("c1", "c2")] {
        let mut plan = stage.plan(salon, client).await;
        plan.appointment = Some(booking("rdv-1"));
        stage.open(&plan).await;
    }
    let list = stage.list(&user("c1"), None, &Window::first(10)).await;
    assert_eq!(list.total, 3);
}

/// Without a booking the same two may have any number of conversations; so may they with several.
pub async fn the_same_two_may_have_several_conversations(store: &dyn Store) {
    let stage = Stage::new(store);
    for appointment in [None, None, Some(booking("rdv-1")), Some(booking("rdv-2"))] {
        let plan = stage.plan("s1", "c1").await;
        stage.open(&OpenConversation { appointment, ..plan }).await;
    }
    assert_eq!(stage.list(&user("c1"), None, &Window::first(10)).await.total, 4);
}

/// Of ten openings for a booking at the same moment, one opens and nine find it.
pub async fn of_ten_openings_at_once_one_opens(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut plans = vec![];
    for _ in 0..10 {
        let mut plan = stage.plan("s1", "c1").await;
        plan.appointment = Some(booking("rdv-1"));
        plan.opening = Some(stage.opening("Bonjour"));
        plans.push(plan);
    }
    let outcomes = join_all(plans.iter().map(|plan| stage.try_open(plan))).await;

    let opened: Vec<_> = plans
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, OpenOutcome::Opened(_)))
        .map(|(plan, _)| &plan.id)
        .collect();
    assert_eq!(opened.len(), 1, "{outcomes:?}");
    let found = OpenOutcome::AlreadyOpen(opened[0].clone());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == found).count(), 9, "{outcomes:?}");
    let list = stage.list(&user("s1"), None, &Window::first(10)).await;
    assert_eq!((list.total, &list.items[0].conversation.id), (1, opened[0]));
    assert_eq!(stage.unread_total(&user("c1")).await, 1);
}
