//! Everything at once that touches what waits to be told: saying, reading, deciding, forgetting.

use domain::{
    conversation::store::ConversationStore,
    ids::{MailId, UserId},
    mail::{MailDecision, NewMail, store::MailStore},
    participant::store::ParticipantStore,
    privacy::store::{EraseIn, ErasureStore},
    testing::fixture::client,
};
use storage_pg::PgStore;

use crate::{
    concurrency::assert_counters_are_true,
    support::Scratch,
    talk::{ANSWERS, Talk, fresh_id, now, plan},
    waiting::{at_once, until_waiting},
};

/// What nobody was told of and nobody read, and what does not wait either.
const LOST: &str = "
    SELECT count(*) FROM messaging.message AS m
    JOIN messaging.conversation AS c ON c.id = m.conversation_id
    CROSS JOIN LATERAL (SELECT CASE m.author_side WHEN 'salon' THEN c.client_id ELSE c.salon_id END AS id,
        CASE m.author_side WHEN 'salon' THEN c.client_read_seq ELSE c.salon_read_seq END AS read_seq) AS reader
    WHERE m.deleted_at IS NULL AND m.seq > reader.read_seq AND reader.id <> 'c3'
        AND NOT EXISTS (SELECT FROM messaging.mailed_conversation
            WHERE person_id = reader.id AND conversation_id = c.id AND up_to_seq >= m.seq)
        AND NOT EXISTS (SELECT FROM messaging.pending_mail
            WHERE recipient_id = reader.id AND conversation_id = c.id)";

/// What more than one mail tells the same person of.
const TOLD_TWICE: &str = "
    SELECT count(*) FROM messaging.mail_conversation AS one
    JOIN messaging.mail ON mail.id = one.mail_id
    JOIN messaging.mail AS again ON again.recipient_id = mail.recipient_id AND again.id > mail.id
    JOIN messaging.mail_conversation AS other ON other.mail_id = again.id
        AND other.conversation_id = one.conversation_id
        AND other.after_seq < one.up_to_seq AND one.after_seq < other.up_to_seq";

/// What is left of anything about mail to the person who was forgotten.
const LEFT: &str = "
    SELECT (SELECT count(*) FROM messaging.pending_mail WHERE recipient_id = 'c3')
        + (SELECT count(*) FROM messaging.mail WHERE recipient_id = 'c3')
        + (SELECT count(*) FROM messaging.mailed_conversation WHERE person_id = 'c3')
        + (SELECT count(*) FROM messaging.mail_recipient WHERE person_id = 'c3')";

/// A conversation of the one salon with a client of that id.
async fn talk_with(store: &PgStore, id: &str) -> Talk {
    let mut plan = plan(store).await;
    let client = client(id);
    store.note_participant(&client, now()).await.expect(ANSWERS);
    plan.parties.client = client.id;
    store.open_conversation(&plan).await.expect(ANSWERS);
    let (salon, client) = (plan.parties.salon, plan.parties.client);
    Talk { store: store.clone(), id: plan.id, salon, client }
}

/// Tells `person` all that waits, unless somebody else was first.
async fn tell(store: &PgStore, person: &UserId) {
    let Some(case) = store.mail_case(person, now()).await.expect(ANSWERS) else { return };
    let waits = |one: &&domain::mail::PendingConversation| one.unmailed > 0;
    let tell = case.waiting.iter().filter(waits);
    let tell = tell.map(|one| (one.conversation.clone(), one.up_to)).collect();
    let read = case.waiting.iter().filter(|one| one.unmailed == 0);
    let forget =
        read.map(|one| (one.conversation.clone(), domain::mail::SkipReason::Read)).collect();
    let id = MailId::parse(&fresh_id()).expect("a good id");
    let mail = NewMail { id, recipient: person.clone(), at: now() };
    let verdict = MailDecision { tell, forget, ..MailDecision::default() };
    store.settle_mail(&case, &verdict, &mail).await.expect(ANSWERS);
}

/// Forgets `person` as far as others let it happen.
async fn forget(store: &PgStore, person: &UserId) {
    store.request_erasure(person, now()).await.expect(ANSWERS);
    while let Some(conversation) = store.next_to_erase(person).await.expect(ANSWERS) {
        let person = person.clone();
        let erase = EraseIn { person, conversation, messages_max: 3, at: now() };
        store.erase_in(&erase).await.expect(ANSWERS);
    }
    store.finish_erasure(person, now()).await.expect(ANSWERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_at_once_nothing_is_lost_and_nothing_told_twice() {
    let scratch = Scratch::new().await;
    let mut talks = Vec::new();
    for id in ["c1", "c2", "c3"] {
        let talk = talk_with(&scratch, id).await;
        talks.push([talk.clone(), talk.on(scratch.another(|_| ()))]);
    }
    let gone = talks[2][0].clone();
    at_once(120, |number| {
        let talk = talks[number % 3][number / 3 % 2].clone();
        async move {
            match number / 6 {
                0..8 => drop(talk.try_say(&talk.salon, "Bonjour").await.expect(ANSWERS)),
                8..12 => drop(talk.try_say(&talk.client, "Bonjour").await.expect(ANSWERS)),
                12..15 => tell(&talk.store, &talk.client).await,
                15..18 => tell(&talk.store, &talk.salon).await,
                18 => drop(talk.read(&talk.client).await),
                _ if talk.client.as_str() == "c3" => forget(&talk.store, &talk.client).await,
                _ => drop(talk.read(&talk.salon).await),
            }
        }
    })
    .await;

    assert_eq!((scratch.number(LOST).await, scratch.number(TOLD_TWICE).await), (0, 0));
    forget(&scratch, &gone.client).await;
    assert_eq!(scratch.number(LEFT).await, 0);
    assert_counters_are_true(&scratch).await;
    let theirs = "SELECT count(*) FROM messaging.message AS m
        JOIN messaging.conversation AS c ON c.id = m.conversation_id
        WHERE c.client_id = 'c3' AND m.author_side = 'client' AND m.deleted_at IS NULL";
    assert_eq!(scratch.number(theirs).await, 0, "what they said last is gone too");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(scratch.number(deadlocks).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_forgets_and_whoever_decides_never_wait_in_a_circle() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    for words in ["1", "2"] {
        talk.say(&talk.salon, words).await;
        tell(&scratch, &talk.client).await;
    }
    talk.say(&talk.salon, "3").await;
    let deciding = scratch.session().await;
    let begin = "BEGIN; UPDATE messaging.mail_recipient SET version = version + 1";
    deciding.batch_execute(begin).await.expect("nobody else decides");
    let forgetting = {
        let talk = talk.clone();
        tokio::spawn(async move { talk.store.request_erasure(&talk.client, now()).await })
    };
    until_waiting(&scratch, 1).await;
    let go_on = "SELECT FROM messaging.pending_mail FOR UPDATE NOWAIT; COMMIT";
    deciding.batch_execute(go_on).await.expect("who forgets holds nothing that is needed here");
    forgetting.await.expect("no panic").expect(ANSWERS);
}
