use proptest::prelude::*;

use super::*;
use crate::testing::fixture::user;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

const NOW: &str = "2026-06-30T03:00:00.000Z";

/// A conversation whose last message and last change were so many days before [`NOW`].
fn aged(status: Status, said_days_ago: u32, changed_days_ago: u32) -> ConversationAge {
    ConversationAge {
        id: ConversationId::parse("talk").expect("good"),
        salon: user("s1"),
        language: None,
        status,
        last_message_at: days_before(at(NOW), said_days_ago),
        updated_at: days_before(at(NOW), changed_days_ago),
        has_messages: true,
        is_held: false,
        policy: None,
    }
}

fn policy(archive: u32, delete: Option<u32>) -> RetentionPolicy {
    RetentionPolicy::new(archive, delete).expect("good")
}

fn is_due(policy: RetentionPolicy, age: &ConversationAge) -> bool {
    policy.due(age, at(NOW)).is_some()
}

#[test]
fn a_policy_keeps_its_bounds() {
    for (archive, delete) in
        [(1, None), (90, Some(30)), (RETENTION_DAYS_MAX, Some(RETENTION_DAYS_MAX))]
    {
        let policy = policy(archive, delete);
        assert_eq!((policy.archive_after_days(), policy.delete_after_days()), (archive, delete));
    }
    for archive in [0, RETENTION_DAYS_MAX + 1] {
        assert_eq!(RetentionPolicy::new(archive, None), Err(InvalidRetention::ArchiveAfter));
    }
    for delete in [0, 29, RETENTION_DAYS_MAX + 1] {
        let refused = RetentionPolicy::new(90, Some(delete));
        assert_eq!(refused, Err(InvalidRetention::DeleteAfter));
    }
    assert_eq!(RetentionPolicy::default(), policy(90, None));
}

#[test]
fn a_conversation_is_archived_on_the_day_and_not_before() {
    let policy = RetentionPolicy::default();
    let due = policy.due(&aged(Status::Active, 90, 0), at(NOW));
    assert_eq!(due, Some(Due::Archive { days: 90, quiet_since: days_before(at(NOW), 90) }));
    let mut younger = aged(Status::Active, 90, 90);
    younger.last_message_at =
        Timestamp::from_millis(younger.last_message_at.as_millis() + 1).expect("in range");
    assert!(!is_due(policy, &younger));
}

#[test]
fn nothing_is_deleted_unless_somebody_wants_it() {
    assert!(!is_due(policy(1, None), &aged(Status::Archived, 30_000, 30_000)));
}

#[test]
fn messages_are_deleted_the_given_days_after_archiving() {
    let policy = policy(90, Some(30));
    assert!(is_due(policy, &aged(Status::Archived, 120, 30)));
    assert!(!is_due(policy, &aged(Status::Archived, 120, 29)));
    assert!(!is_due(policy, &aged(Status::Archived, 500, 29)), "late is not never");
    let mut empty = aged(Status::Archived, 120, 30);
    empty.has_messages = false;
    assert!(!is_due(policy, &empty));
}

#[test]
fn archiving_by_hand_deletes_nothing_sooner() {
    let policy = policy(90, Some(30));
    assert!(!is_due(policy, &aged(Status::Archived, 40, 35)));
    assert!(!is_due(policy, &aged(Status::Archived, 119, 119)));
    assert!(is_due(policy, &aged(Status::Archived, 120, 119)));
}

#[test]
fn the_daily_run_starts_at_three() {
    for (now, next) in [
        ("2026-06-30T02:59:59.999Z", "2026-06-30T03:00:00.000Z"),
        ("2026-06-30T03:00:00.000Z", "2026-07-01T03:00:00.000Z"),
        ("2026-12-31T23:00:00.000Z", "2027-01-01T03:00:00.000Z"),
        ("1969-12-31T22:00:00.000Z", "1970-01-01T03:00:00.000Z"),
    ] {
        assert_eq!(next_daily_run(at(now)), at(next), "{now}");
    }
}

proptest! {
    /// What is due stays due when nothing happens, and no policy deletes what it has not archived.
    #[test]
    fn what_is_due_stays_due(
        archive in 1..400_u32, delete in 30..400_u32, said in 0..1_000_u32, changed in 0..1_000_u32,
        later in 1..1_000_u32, is_active in any::<bool>(),
    ) {
        let policy = policy(archive, Some(delete));
        let status = if is_active { Status::Active } else { Status::Archived };
        let age = aged(status, said, changed.min(said));
        if let Some(due) = policy.due(&age, at(NOW)) {
            prop_assert_eq!(matches!(due, Due::Archive { .. }), is_active);
            let then = Timestamp::from_millis(at(NOW).as_millis() + i64::from(later) * DAY_MS);
            prop_assert!(policy.due(&age, then.expect("in range")).is_some());
        }
    }
}
