use domain::retention::RetentionPolicy;

use super::{Start, start};

const ARCHIVE: &str = "MESSAGE_RETENTION_DAYS";
const DELETE: &str = "MESSAGE_HARD_DELETE_AFTER_DAYS";

fn policy(start: &Start) -> RetentionPolicy {
    start.config().api.retention.policy
}

fn days(archive_after: u32, delete_after: Option<u32>) -> RetentionPolicy {
    RetentionPolicy::new(archive_after, delete_after).expect("a policy")
}

#[test]
fn conversations_are_kept_as_long_as_the_variables_of_the_legacy_service_say() {
    assert_eq!(policy(&start()), days(90, None));
    assert_eq!(policy(&start().with(ARCHIVE, "").with(DELETE, "")), days(90, None));
    let both = start().with(ARCHIVE, "365").with(DELETE, "730");
    assert_eq!(policy(&both), days(365, Some(730)));
    assert_eq!(policy(&start().with(ARCHIVE, "1").with(DELETE, "30")), days(1, Some(30)));
    assert!(both.loaded().unused.is_empty());
}

#[test]
fn nothing_is_deleted_unless_somebody_says_when() {
    assert_eq!(policy(&start().with(DELETE, "0")), days(90, None));
}

#[test]
fn days_that_make_no_sense_are_a_fault_and_not_the_default() {
    for bad in ["0", "-1", "ninety", "36501"] {
        let fault = "MESSAGE_RETENTION_DAYS (retention.archive-after-days): \
            must be a whole number from 1 to 36500 (environment)\n";
        assert_eq!(start().with(ARCHIVE, bad).faults(), fault, "{bad}");
    }
    for bad in ["1", "29", "-1", "never", "36501"] {
        let fault = "MESSAGE_HARD_DELETE_AFTER_DAYS (retention.delete-after-days): \
            must be a whole number from 30 to 36500, or 0 for never (environment)\n";
        assert_eq!(start().with(DELETE, bad).faults(), fault, "{bad}");
    }
}
