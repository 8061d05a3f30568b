//! What people get of their data.

use super::stage::{ANSWERS, Stage};
use crate::{
    export::{EXPORT_LIFETIME_MS, Export, ReadyExport},
    object::ObjectKey,
    ports::Store,
    testing::fixture::{client, user},
    time::Timestamp,
};

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).expect("a good name")
}

fn later(at: Timestamp, by_ms: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + by_ms).expect("in range")
}

async fn ask(stage: &Stage<'_>, name: &str, at: Timestamp) -> Export {
    let asked = stage.store.request_export(&user("c1"), &key(name), at).await;
    asked.expect(ANSWERS).expect("nobody forgot them")
}

async fn finish(stage: &Stage<'_>, name: &str, at: Timestamp) -> bool {
    let ready = ReadyExport::new(1_000, at);
    stage.store.finish_export(&user("c1"), &key(name), &ready).await.expect(ANSWERS)
}

/// A wish enters one job; repeated within a day it changes nothing, and afterwards it is a new one.
pub async fn an_archive_is_asked_for_once_a_day(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.note(&client("c1")).await;
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), None);
    let at = stage.now();
    let first = ask(&stage, "first", at).await;
    let expected = Export { person: user("c1"), key: key("first"), requested_at: at, ready: None };
    assert_eq!(first, expected);
    assert_eq!(ask(&stage, "second", later(at, EXPORT_LIFETIME_MS - 1)).await, expected);
    assert_eq!(stage.tasks().await, [("export_person".to_owned(), "c1".to_owned())]);
    let again = ask(&stage, "third", later(at, EXPORT_LIFETIME_MS)).await;
    assert_eq!(again.key, key("third"));
    assert_eq!(stage.tasks().await.len(), 2);
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), Some(again));
}

/// What nobody waits for is not finished; what is finished can be fetched for a day, and is deleted by
/// a job then.
pub async fn an_archive_is_finished_once(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.note(&client("c1")).await;
    assert!(!finish(&stage, "first", stage.now()).await);
    ask(&stage, "first", stage.now()).await;
    let at = stage.now();
    assert!(!finish(&stage, "other", at).await);
    assert!(finish(&stage, "first", at).await);
    assert!(!finish(&stage, "first", stage.now()).await);
    let found = store.export(&user("c1")).await.expect(ANSWERS).expect("it is there");
    assert_eq!(found.ready, Some(ReadyExport::new(1_000, at)));
    let tasks = stage.tasks().await;
    assert!(tasks.contains(&("delete_object".to_owned(), "first".to_owned())), "{tasks:?}");
}

/// Who is forgotten has no archive, can ask for none, and what is being made is not finished.
pub async fn an_archive_goes_with_its_person(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.note(&client("c1")).await;
    ask(&stage, "first", stage.now()).await;
    store.request_erasure(&user("c1"), stage.now()).await.expect(ANSWERS);
    assert_eq!(store.export(&user("c1")).await.expect(ANSWERS), None);
    assert!(!finish(&stage, "first", stage.now()).await);
    let tasks = stage.tasks().await;
    assert!(tasks.contains(&("delete_object".to_owned(), "first".to_owned())), "{tasks:?}");
    let refused = store.request_export(&user("c1"), &key("second"), stage.now()).await;
    assert_eq!(refused.expect(ANSWERS), None);
}

/// An archive of somebody whom a forgotten person talked with goes too, at the wish and at the end:
/// their words are in it. Who asks again gets another.
pub async fn an_archive_goes_with_the_other_side(store: &dyn Store) {
    let stage = Stage::new(store);
    stage.talk("s1", "c1").await;
    stage.note(&client("c2")).await;
    let ask = async |person: &str, name: &str| {
        let asked = store.request_export(&user(person), &key(name), stage.now()).await;
        asked.expect(ANSWERS).expect("nobody forgot them").key
    };
    ask("s1", "before").await;
    ask("c2", "stranger").await;
    store.request_erasure(&user("c1"), stage.now()).await.expect(ANSWERS);
    assert_eq!(ask("s1", "between").await, key("between"));
    store.finish_erasure(&user("c1"), stage.now()).await.expect(ANSWERS);
    assert_eq!(ask("s1", "after").await, key("after"));
    assert_eq!(ask("c2", "again").await, key("stranger"));
    let tasks = stage.tasks().await;
    for name in ["before", "between"] {
        let deletion = ("delete_object".to_owned(), name.to_owned());
        assert!(tasks.contains(&deletion), "{name}: {tasks:?}");
    }
}
