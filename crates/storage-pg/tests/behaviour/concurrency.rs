//! Concurrent calls over many connections, on several stores as on several nodes.

use std::collections::{HashMap, HashSet};

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, now, plan},
    waiting::at_once,
};
use domain::{
    conversation::{
        event::{Event, EventKind},
        store::{ConversationStore, LogStore, ReadingStore},
    },
    ids::{AppointmentId, Seq},
    testing::{
        commands::{Commands, OpenOutcome, PostOutcome},
        fixture::{keyed, text},
    },
};

/// The whole log, checked to have no gap.
pub(crate) async fn whole_log(conversation: &TestConversation) -> Vec<Event> {
    let log = conversation
        .store
        .events_after(&conversation.id, &conversation.salon, Seq::ZERO, 1_000)
        .await;
    let log = log.expect(ANSWERS).expect("the salon takes part");
    let log = log.events().expect("nothing is forgotten");
    assert!(log.iter().map(|event| event.seq.get()).eq(1..=log.len().try_into().expect("few")));
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn senders_on_several_nodes_leave_no_gap() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    let sent = at_once(40, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            let author = if number % 3 == 0 { &conversation.salon } else { &conversation.client };
            let mut post = conversation.post(author, text("Bonjour"));
            post.read_on_arrival = number % 5 == 0;
            conversation.store.post_message(&post).await.expect(ANSWERS)
        }
    })
    .await;

    let mut events: Vec<Event> = Vec::new();
    for outcome in sent {
        let PostOutcome::Posted(posted) = outcome else { panic!("{outcome:?}") };
        events.extend(posted.events);
    }
    events.sort_by_key(|event| event.seq);
    let seqs = |events: &[Event]| events.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&whole_log(&conversation).await)[1..], seqs(&events));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_on_several_nodes_posts_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    let outcomes = at_once(20, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            let post = conversation.post(&conversation.client, keyed("Bonjour", "k1"));
            conversation.store.post_message(&post).await.expect(ANSWERS)
        }
    })
    .await;

    let (mut new, mut ids) = (0, HashSet::new());
    for outcome in outcomes {
        match outcome {
            PostOutcome::Posted(posted) => {
                new += 1;
                ids.insert(posted.message.id.to_string());
            }
            PostOutcome::Replayed { message, .. } => {
                ids.insert(message.id.to_string());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((new, ids.len(), whole_log(&conversation).await.len()), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_booking_on_several_nodes_opens_once() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let mut plans = Vec::new();
    for _ in 0..20 {
        let mut plan = plan(&scratch).await;
        plan.appointment = Some(AppointmentId::parse("rdv-1").expect("a good id"));
        plans.push(plan);
    }
    let outcomes = at_once(plans.len(), |number| {
        let (store, plan) = (nodes[number % 2].clone(), plans[number].clone());
        async move { (store.open_conversation(&plan).await.expect(ANSWERS), plan.id) }
    })
    .await;

    let (mut opened, mut ids) = (0, HashSet::new());
    for (outcome, id) in outcomes {
        match outcome {
            OpenOutcome::Opened(_) => {
                opened += 1;
                ids.insert(id);
            }
            OpenOutcome::AlreadyOpen(id) => {
                ids.insert(id);
            }
        }
    }
    assert_eq!((opened, ids.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn horizons_counters_and_badges_agree_after_a_race() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    at_once(60, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            let (writer, reader) = match number % 2 {
                0 => (&conversation.salon, &conversation.client),
                _ => (&conversation.client, &conversation.salon),
            };
            match number % 6 {
                0 | 1 => {
                    conversation.read(reader).await;
                }
                2 => {
                    let message = conversation.send_text(writer, "à effacer").await.message;
                    let deleted =
                        conversation.store.delete_message(&message.id, writer, now()).await;
                    assert!(deleted.expect(ANSWERS).is_some());
                }
                _ => {
                    let mut post = conversation.post(writer, text("Bonjour"));
                    post.read_on_arrival = number % 6 == 5;
                    conversation.store.post_message(&post).await.expect(ANSWERS);
                }
            }
        }
    })
    .await;

    let log = whole_log(&conversation).await;
    let receipts = log.iter().filter_map(|event| match &event.kind {
        EventKind::MessagesRead(receipt) => Some(receipt),
        _ => None,
    });
    let mut horizons = HashMap::new();
    for receipt in receipts {
        let before = horizons.insert(receipt.reader.clone(), receipt.up_to);
        assert!(before.is_none_or(|before| before < receipt.up_to), "nothing is read twice");
    }
    assert_counters_are_true(&scratch).await;
    for reader in [&conversation.salon, &conversation.client] {
        let view = conversation.store.conversation(&conversation.id, reader).await.expect(ANSWERS);
        let view = view.expect("the reader takes part");
        assert_eq!(conversation.store.unread_total(reader).await.expect(ANSWERS), view.unread);
        assert_eq!(conversation.read(reader).await.unread, 0);
        assert_eq!(conversation.store.unread_total(reader).await.expect(ANSWERS), 0);
    }
}

/// The counters of conversations equal those computed from their messages.
pub(crate) async fn assert_counters_are_true(scratch: &Scratch) {
    let wrong = "
        SELECT count(*) FROM messaging.conversation AS c
        CROSS JOIN LATERAL (
            SELECT count(*) AS messages,
                coalesce(max(seq) FILTER (WHERE author_side = 'salon'), 0) AS salon_seq,
                coalesce(max(seq) FILTER (WHERE author_side = 'client'), 0) AS client_seq,
                count(*) FILTER (WHERE author_side = 'client' AND seq > c.salon_read_seq) AS by_salon,
                count(*) FILTER (WHERE author_side = 'salon' AND seq > c.client_read_seq) AS by_client,
                count(*) FILTER (WHERE (read_at IS NOT NULL) <> (seq <= CASE author_side
                    WHEN 'salon' THEN c.client_read_seq ELSE c.salon_read_seq END)) AS misread
            FROM messaging.message WHERE conversation_id = c.id AND deleted_at IS NULL
        ) AS m
        CROSS JOIN LATERAL (
            SELECT max(seq) AS newest FROM messaging.event WHERE conversation_id = c.id
        ) AS e
        WHERE (c.message_count, c.salon_message_seq, c.client_message_seq, c.unread_by_salon,
                c.unread_by_client, c.last_seq)
            <> (m.messages, m.salon_seq, m.client_seq, m.by_salon, m.by_client, e.newest)
            OR m.misread > 0";
    assert_eq!(scratch.number(wrong).await, 0);
}
