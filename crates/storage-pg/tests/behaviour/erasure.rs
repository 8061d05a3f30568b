//! Erasure under concurrent load.

use std::sync::Arc;

use domain::{
    conversation::{
        Status,
        ledger::{Command, StatusEdit},
        store::LogStore,
    },
    ids::{Seq, UserId},
    import::{ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore, Refusal},
    participant::store::ParticipantStore,
    ports::StoreError,
    privacy::store::ErasureStore,
    testing::{
        commands::{Commands, EraseIn, PostOutcome},
        fixture::{client, keyed, pictures},
    },
};
use storage_pg::PgStore;

use crate::{
    booking::{apply, greeting_in, report},
    concurrency::assert_counters_are_true,
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now},
    waiting::{at_once, until_waiting},
};

/// Erases `person` completely, few messages at a time. Returns the number of steps.
async fn erase_all(store: &PgStore, person: &UserId) -> usize {
    let goes = erase(store, person).await;
    let receipt = store.erasure(person).await.expect(ANSWERS).expect("it was asked for");
    assert!(receipt.finished_at.is_some());
    goes
}

/// The same; not complete if there are concurrent messages.
async fn erase(store: &PgStore, person: &UserId) -> usize {
    store.request_erasure(person, now()).await.expect(ANSWERS);
    let mut goes = 0;
    while let Some(conversation) = store.next_to_erase(person).await.expect(ANSWERS) {
        let person = person.clone();
        let erase = EraseIn { person, conversation, messages_max: 2, at: now() };
        store.erase_in(&erase).await.expect(ANSWERS);
        goes += 1;
    }
    store.finish_erasure(person, now()).await.expect(ANSWERS);
    goes
}

/// The tables that contain `words`.
pub(crate) async fn tables_with(scratch: &Scratch, words: &str) -> Vec<String> {
    let tables = "SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'messaging' AND table_name NOT LIKE '\\_\\_diesel%' ORDER BY 1";
    let mut found = Vec::new();
    for row in scratch.sql(tables).await {
        let table = &row[0];
        let rows = format!(
            "SELECT count(*) FROM messaging.{table} AS t WHERE to_jsonb(t)::text LIKE '%{words}%'"
        );
        if scratch.number(&rows).await > 0 {
            found.push(table.clone());
        }
    }
    found
}

#[tokio::test]
async fn a_forgotten_client_is_named_nowhere_in_the_database() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let event = report(&scratch, "e1", "confirmed").await;
    apply(&scratch, &greeting_in(&event, &conversation.id)).await;
    report(&scratch, "e2", "cancelled").await;
    for number in 0..5 {
        let mut post = conversation.post(&conversation.client, pictures("Camille ici", 1, None));
        post.attachments = vec![domain::ids::AttachmentId::parse(&fresh_id()).expect("good")];
        post.read_on_arrival = number == 2;
        conversation.store.post_message(&post).await.expect(ANSWERS);
    }
    conversation.send_text(&conversation.salon, "Entendu").await;
    let named = tables_with(&scratch, "Camille").await;
    assert_eq!(named, ["appointment_event", "message", "participant"]);

    assert_eq!(erase_all(&scratch, &conversation.client).await, 3);
    assert_eq!(tables_with(&scratch, "Camille").await, Vec::<String>::new());
    assert_eq!(tables_with(&scratch, "Entendu").await, ["message"]);
    let hosted = "SELECT DISTINCT subject FROM messaging.job WHERE kind = 'delete_hosted_file'";
    assert_eq!(scratch.sql(hosted).await, [["upload-1"]]);
    assert_counters_are_true(&scratch).await;
    let log = conversation
        .store
        .events_after(&conversation.id, &conversation.salon, Seq::ZERO, 100)
        .await;
    let log = log.expect(ANSWERS).expect("takes part").events().expect("nothing is forgotten");
    assert!(log.iter().map(|event| event.seq.get()).eq(1..=log.len().try_into().expect("few")));
}

#[tokio::test]
async fn a_name_that_comes_while_it_is_being_forgotten_goes_again() {
    let scratch = Scratch::new().await;
    let late = scratch.session().await;
    let write =
        "BEGIN; INSERT INTO messaging.participant (id, role, first_name, created_at, updated_at)
        VALUES ('c1', 'client', 'Camille', now(), now())";
    late.batch_execute(write).await.expect("nobody is there yet");
    let person = client("c1");
    scratch.request_erasure(&person.id, now()).await.expect(ANSWERS);
    late.batch_execute("COMMIT").await.expect("it was begun");
    assert_eq!(tables_with(&scratch, "Camille").await, ["participant"]);

    erase_all(&scratch, &person.id).await;
    scratch.upsert_participant(&person, now()).await.expect(ANSWERS);
    let refused = scratch.put_participants(&[client("c2"), person], now()).await.expect(ANSWERS);
    assert_eq!(refused.len(), 1);
    assert_eq!(tables_with(&scratch, "Camille").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forgetting_somebody_who_still_talks_keeps_every_count_true() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    at_once(30, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            match number % 5 {
                0 => drop(conversation.send_text(&conversation.salon, "Bonjour").await),
                1 => drop(conversation.read(&conversation.salon).await),
                2 => drop(erase(&conversation.store, &conversation.client).await),
                _ => {
                    let post = conversation
                        .post(&conversation.client, keyed("Bonjour", &format!("k{number}")));
                    let outcome = conversation.store.post_message(&post).await.expect(ANSWERS);
                    let is_told = matches!(
                        outcome,
                        PostOutcome::Posted(_) | PostOutcome::UnknownConversation
                    );
                    assert!(is_told, "{outcome:?}");
                }
            }
        }
    })
    .await;
    erase_all(&scratch, &conversation.client).await;
    assert_counters_are_true(&scratch).await;
    let left = "SELECT count(*) FROM messaging.message
        WHERE author_side = 'client' AND deleted_at IS NULL";
    assert_eq!(scratch.number(left).await, 0);
    let emptied = "SELECT count(*) FROM messaging.message
        WHERE author_side = 'client' AND deleted_at IS NOT NULL";
    let counted = "SELECT messages FROM messaging.erasure";
    assert_eq!(scratch.number(counted).await, scratch.number(emptied).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wish_that_comes_twice_at_once_is_one() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let person = client("c1");
    scratch.upsert_participant(&person, now()).await.expect(ANSWERS);
    let receipts = at_once(8, |number| {
        let (store, id) = (nodes[number % 2].clone(), person.id.clone());
        async move { store.request_erasure(&id, now()).await.expect(ANSWERS) }
    })
    .await;
    assert!(receipts.windows(2).all(|two| two[0] == two[1]), "{receipts:?}");
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.job").await, 1);
}

#[tokio::test]
async fn however_many_keys_somebody_chose_none_is_left() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let much = format!(
        "INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content,
            client_message_id, created_at, deleted_at)
        SELECT 'm' || n, '{}', n + 1, CASE n % 2 WHEN 0 THEN 'salon' ELSE 'client' END, 'TEXT', '',
            'k' || n, now(), now()
        FROM generate_series(1, 5000) AS n",
        conversation.id
    );
    scratch.sql(&much).await;
    let keys = "SELECT count(client_message_id) FROM messaging.message";
    scratch.finish_erasure(&conversation.client, now()).await.expect(ANSWERS);
    assert_eq!(scratch.number(keys).await, 5_000, "nobody asked to be forgotten");
    erase_all(&scratch, &conversation.client).await;
    assert_eq!(scratch.number(keys).await, 2_500, "the salon's stay");
}

#[tokio::test]
async fn what_was_decided_before_the_request_and_committed_after_it_is_erased_too() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let person = &conversation.client;
    // Nothing is left of them, so that no step of the erasure waits for the conversation.
    let sent = conversation.send_text(person, "Bonjour").await;
    scratch.delete_message(&sent.message.id, person, now()).await.expect(ANSWERS);
    let archive = Command::Edit {
        by: conversation.salon.clone(),
        subject: None,
        status: Some(StatusEdit::Set(Status::Archived)),
    };
    let archived = scratch.run(&conversation.id, archive, now()).await.expect(ANSWERS);
    archived.expect("the salon takes part");
    // Between its facts and its commit.
    let holder = scratch.session().await;
    let lock = "BEGIN; SELECT FROM messaging.pending_mail FOR UPDATE";
    holder.batch_execute(lock).await.expect("nobody is in the way");
    let talk = conversation.clone();
    let posting =
        tokio::spawn(async move { talk.try_send_text(&talk.client, "C'est encore Camille").await });
    until_waiting(&scratch, 1).await;

    scratch.request_erasure(person, now()).await.expect(ANSWERS);
    assert_eq!(scratch.next_to_erase(person).await.expect(ANSWERS), None);
    let hasty = scratch.another(|settings| settings.statement_timeout_ms = 50);
    let finished = hasty.finish_erasure(person, now()).await;
    assert!(matches!(finished, Err(StoreError::Busy(_))), "{finished:?}");

    holder.batch_execute("COMMIT").await.expect("it can");
    let posted = posting.await.expect("no panic").expect(ANSWERS);
    assert!(matches!(posted, PostOutcome::Posted(_)), "{posted:?}");
    let receipt = scratch.finish_erasure(person, now()).await.expect(ANSWERS);
    assert_eq!(receipt.expect("asked for").finished_at, None, "something is left");
    erase_all(&scratch, person).await;
    assert_eq!(tables_with(&scratch, "encore").await, Vec::<String>::new());
}

/// A backup reads every table in one transaction, for hours.
#[tokio::test]
async fn an_erasure_does_not_wait_for_who_only_reads() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let backup = scratch.session().await;
    let read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SELECT FROM messaging.message; SELECT FROM messaging.conversation; SELECT FROM messaging.erasure";
    backup.batch_execute(read).await.expect("it can be read");
    erase_all(&scratch, &conversation.client).await;
    backup.batch_execute("COMMIT").await.expect("it lasted");
}

#[tokio::test]
async fn an_import_is_waited_for_from_before_it_asks_who_is_forgotten() {
    let scratch = Scratch::new().await;
    let holder = scratch.session().await;
    let lock = "BEGIN; LOCK TABLE messaging.import_mark IN SHARE MODE";
    holder.batch_execute(lock).await.expect("nobody is in the way");
    let mark = ImportMark {
        source: [1; 32],
        stage: "people".to_owned(),
        after: String::new(),
        tally: String::new(),
    };
    let step = ImportStep { mark: Some(mark), at: now() };
    let page = Arc::new([ImportRow { value: client("c9"), fingerprint: [2; 32] }]);
    let store = (*scratch).clone();
    let importing = tokio::spawn(async move { store.import_people(page, step).await });
    until_waiting(&scratch, 1).await;
    let forgotten = "INSERT INTO messaging.erasure (person_id, requested_at) VALUES ('c9', now())";
    scratch.sql(forgotten).await;
    holder.batch_execute("COMMIT").await.expect("it can");
    let outcomes = importing.await.expect("no panic").expect(ANSWERS);
    assert_eq!(outcomes, [ImportOutcome::Refused(Refusal::PersonForgotten)]);
    assert_eq!(tables_with(&scratch, "Camille").await, Vec::<String>::new());
}
