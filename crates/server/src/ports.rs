use domain::{
    conversation::event::Event,
    ids::{ConversationId, UserId},
    ports::{Clock, Fanout, Ids, MarkedMessage, PersonChange},
    time::Timestamp,
};
use uuid::Uuid;

/// The system clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// UUIDs of version 7.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The fan-out of a process without connections: does nothing.
pub(crate) struct NoopFanout;

impl Fanout for NoopFanout {
    fn publish(&self, _events: &[Event]) {}

    fn message_read(&self, _marked: &MarkedMessage) {}

    fn person_changed(&self, _user: &UserId, _change: PersonChange) {}

    fn is_watching(&self, _conversation: &ConversationId, _user: &UserId) -> bool {
        false
    }
}

#[cfg(test)]
mod clock_tests {
    use super::*;

    #[test]
    fn the_clock_shows_whole_milliseconds() {
        let now = SystemClock.now();
        assert_eq!(Timestamp::from_millis(now.as_millis()), Some(now));
        assert!(now.as_millis() > 1_700_000_000_000, "{now}");
    }
}

#[cfg(test)]
mod ids_tests {
    use super::*;

    #[test]
    fn an_id_is_of_version_7_and_sorts_after_the_one_before() {
        let (first, second) = (SystemIds.next(), SystemIds.next());
        assert_eq!(first.get_version_num(), 7);
        assert!(first < second);
    }
}
