//! What is on record of what was done about people's data.

use super::stage::{ANSWERS, Stage};
use crate::{
    audit::{Actor, AuditAction, AuditEntry},
    export::ReadyExport,
    object::ObjectKey,
    ports::Store,
    retention::{RetentionPolicy, SalonRetention},
    testing::fixture::{client, user},
};

async fn record(store: &dyn Store) -> Vec<(Actor, AuditAction, String)> {
    let mut entries = store.audit(100).await.expect(ANSWERS);
    entries.reverse();
    entries.into_iter().map(|entry| (entry.actor, entry.deed, entry.subject)).collect()
}

/// Exports and erasures, from the wish to the end, each once.
pub async fn what_is_done_about_people_is_on_record(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.note(&client("c1")).await;
    let (person, key) = (user("c1"), ObjectKey::parse("archive").expect("good"));
    let asked_at = stage.now();
    for at in [asked_at, stage.now()] {
        store.request_export(&person, &key, at).await.expect(ANSWERS);
    }
    let ready = ReadyExport::new(1, stage.now());
    assert!(store.finish_export(&person, &key, &ready).await.expect(ANSWERS));
    for _ in 0..2 {
        store.request_erasure(&person, stage.now()).await.expect(ANSWERS);
    }
    for _ in 0..2 {
        store.finish_erasure(&person, stage.now()).await.expect(ANSWERS);
    }
    let c1 = || "c1".to_owned();
    let expected = [
        (Actor::Person(person), AuditAction::ExportRequested, c1()),
        (Actor::Service, AuditAction::Exported, c1()),
        (Actor::Service, AuditAction::ErasureRequested, c1()),
        (Actor::Service, AuditAction::Erased, c1()),
    ];
    assert_eq!(record(store).await, expected);
    let AuditEntry { at, deed, .. } = store.audit(1).await.expect(ANSWERS).remove(0);
    assert_eq!(deed, AuditAction::Erased);
    assert!(at > asked_at, "newest first, with its time: {at}");
}

/// Policies and legal holds; what changes nothing is not there.
pub async fn what_is_said_of_keeping_is_on_record(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let policy = RetentionPolicy::new(90, None).expect("good");
    store.put_retention_policy(policy, stage.now()).await.expect(ANSWERS);
    let own = SalonRetention { policy: None, is_held: true };
    store.put_salon_retention(&talk.salon, own, stage.now()).await.expect(ANSWERS);
    for _ in 0..2 {
        store.hold_conversation(&talk.id, stage.now()).await.expect(ANSWERS);
    }
    for _ in 0..2 {
        store.release_conversation(&talk.id).await.expect(ANSWERS);
        store.drop_salon_retention(&talk.salon).await.expect(ANSWERS);
    }
    let (salon, conversation) = (talk.salon.as_str(), talk.id.as_str());
    let expected = [
        (AuditAction::PolicyChanged, ""),
        (AuditAction::PolicyChanged, salon),
        (AuditAction::Held, conversation),
        (AuditAction::Released, conversation),
        (AuditAction::PolicyChanged, salon),
    ];
    let expected = expected.map(|(deed, subject)| (Actor::Service, deed, subject.to_owned()));
    assert_eq!(record(store).await, expected);
}

/// Everybody who is to be forgotten is listed in pieces, and can be forgotten again elsewhere, where an
/// operator is on record for it to the end; and for the end of what somebody else began.
pub async fn who_was_forgotten_is_listed_and_forgotten_again(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.note(&client("c2")).await;
    for id in ["c3", "c1"] {
        store.request_erasure(&user(id), stage.now()).await.expect(ANSWERS);
    }
    let receipt = store.replay_erasure(&user("c2"), stage.now()).await.expect(ANSWERS);
    assert_eq!(receipt.finished_at, None);
    let again = store.replay_erasure(&user("c2"), stage.now()).await.expect(ANSWERS);
    assert_eq!(again, receipt);
    let first = store.erased_people(None, 2).await.expect(ANSWERS);
    assert_eq!(first, [user("c1"), user("c2")]);
    let rest = store.erased_people(first.last().cloned(), 2).await.expect(ANSWERS);
    assert_eq!(rest, [user("c3")]);
    let known = store.participant(&user("c2")).await.expect(ANSWERS).expect("the id stays");
    assert_eq!(known.profile.first_name, None);
    store.replay_erasure(&user("c1"), stage.now()).await.expect(ANSWERS);
    for id in ["c1", "c2", "c3"] {
        store.finish_erasure(&user(id), stage.now()).await.expect(ANSWERS);
    }
    // What is finished is nobody else's any more.
    store.replay_erasure(&user("c3"), stage.now()).await.expect(ANSWERS);
    store.finish_erasure(&user("c3"), stage.now()).await.expect(ANSWERS);
    let expected = [
        (Actor::Service, AuditAction::ErasureRequested, "c3"),
        (Actor::Service, AuditAction::ErasureRequested, "c1"),
        (Actor::Operator, AuditAction::ErasureRequested, "c2"),
        (Actor::Operator, AuditAction::Erased, "c1"),
        (Actor::Operator, AuditAction::Erased, "c2"),
        (Actor::Service, AuditAction::Erased, "c3"),
    ];
    let expected = expected.map(|(actor, deed, subject)| (actor, deed, subject.to_owned()));
    assert_eq!(record(store).await, expected);
}
