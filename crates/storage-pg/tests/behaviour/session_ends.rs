//! Ends of sessions that are committed late.

use domain::{
    ids::UserId,
    privacy::store::{ErasureStore, SessionEndStore},
    testing::fixture::user,
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, now},
};

/// A transaction that began before others may commit after them: what is new is what became visible, not
/// what has a later time or a greater number.
#[tokio::test]
async fn an_end_whose_transaction_commits_late_is_not_skipped() {
    let scratch = Scratch::new().await;
    let mut mark = scratch.session_ends(None, 10).await.expect(ANSWERS).mark;
    let late = scratch.session().await;
    let begin = "BEGIN; INSERT INTO messaging.session_end (person_id, before, why)
        VALUES ('late', now(), 'erased')";
    late.batch_execute(begin).await.expect("it is free");
    scratch.revoke_sessions(&user("early"), now(), now()).await.expect(ANSWERS);
    let mut next = async || -> Vec<UserId> {
        let read = scratch.session_ends_since(&mark, 10).await.expect(ANSWERS);
        mark = read.mark;
        read.ends.into_iter().map(|end| end.person).collect()
    };
    assert_eq!(next().await, [user("early")]);
    scratch.request_erasure(&user("between"), now()).await.expect(ANSWERS);
    assert_eq!(next().await, [user("between")]);
    late.batch_execute("COMMIT").await.expect("it can");
    assert_eq!(next().await, [user("late")]);
    assert_eq!(next().await, []);
}

/// Whoever was erased before there was this table is in it.
#[tokio::test]
async fn people_who_were_erased_before_are_ended_by_the_migration() {
    let scratch = Scratch::new().await;
    scratch.request_erasure(&user("c1"), now()).await.expect(ANSWERS);
    let step = |way: &str| match way {
        "down" => include_str!("../../../../migrations/2026-12-02-101310_session_ends/down.sql"),
        _ => include_str!("../../../../migrations/2026-12-02-101310_session_ends/up.sql"),
    };
    scratch.sql(step("down")).await;
    scratch.sql(step("up")).await;
    let rows = "SELECT person_id, why, before = requested_at
        FROM messaging.session_end JOIN messaging.erasure USING (person_id)";
    assert_eq!(scratch.sql(rows).await, [["c1", "erased", "t"]]);
}
