//! Whatever waits for whomever, however they want it: the promises hold.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    ids::{ConversationId, Seq},
    mail::preferences::{Preferences, QuietHours},
    testing::fixture::{client, talk},
};

const MINUTE_MS: i64 = 60_000;

/// 2026-03-28T20:00:00Z: the night in which Paris puts its clocks forward is near.
const START_MS: i64 = 1_774_728_000_000;

fn minutes(number: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + number * MINUTE_MS).expect("in range")
}

fn some_waiting() -> impl Strategy<Value = PendingConversation> {
    let last_mailed_at = prop::option::of((-120_i64..0).prop_map(minutes));
    (-120_i64..=0, 0_u64..3, last_mailed_at).prop_map(|(since, unmailed, last_mailed_at)| {
        PendingConversation {
            newest_at: minutes(since),
            conversation: talk("any", "s1", "c1").0,
            since: minutes(since),
            noted: 1,
            unmailed,
            up_to: Seq::new(5).expect("not negative"),
            last_mailed_at,
        }
    })
}

fn frequency() -> impl Strategy<Value = Frequency> {
    use Frequency::{Daily, Hourly, Immediate, Never};
    prop_oneof![
        3 => Just(Immediate),
        3 => Just(Hourly),
        2 => Just(Daily),
        1 => Just(Never),
    ]
}

prop_compose! {
    fn some_case()(
        waiting in prop::collection::vec(some_waiting(), 0..80),
        frequency in frequency(),
        quiet in prop::option::of((0_u16..1_440, 1_u16..1_440)),
        mute in any::<bool>(),
        recent in prop::collection::vec(0_i64..60, 0..12),
    ) -> PendingNotifications {
        let mut recipient = client("c1");
        recipient.profile.email = Some("c1@example.test".to_owned());
        let mut preferences = Preferences::usual(recipient.id.clone(), Timestamp::UNIX_EPOCH);
        preferences.frequency = frequency;
        preferences.quiet_hours = quiet.map(|(from, length)| {
            QuietHours::new(from, (from + length) % 1_440).expect("not empty")
        });
        preferences.muted = if mute { vec![numbered(0)] } else { vec![] };
        let mut recent = recent;
        recent.sort_unstable();
        let ago = |seconds: i64| after(minutes(0), -seconds * 1_000);
        let named = |(number, one)| PendingConversation { conversation: numbered(number), ..one };
        PendingNotifications {
            recipient,
            preferences,
            is_suppressed: false,
            recent_mails: recent.into_iter().map(ago).collect(),
            waiting: waiting.into_iter().enumerate().map(named).collect(),
            version: 0,
        }
    }
}

fn numbered(number: usize) -> ConversationId {
    talk(&format!("c{number}"), "s1", "c1").0
}

fn is_quiet(case: &PendingNotifications, at: Timestamp) -> bool {
    let quiet = case.preferences.quiet_hours;
    end_of_quiet_hours(&Zone::default(), quiet, at) != at
}

proptest! {
    #[test]
    fn everything_that_waits_stands_in_one_list_once(case in some_case()) {
        let verdict = decide(&case, &MailPolicy::default(), minutes(0));
        let forgotten = verdict.forget.iter().map(|(id, _)| id);
        let waits = verdict.wait.iter().map(|(id, _)| id);
        let told = verdict.tell.iter().map(|(id, _)| id);
        let mut listed: Vec<_> = forgotten.chain(waits).chain(told).cloned().collect();
        let mut waiting: Vec<_> = case.waiting.iter().map(|one| one.conversation.clone()).collect();
        listed.sort();
        waiting.sort();
        prop_assert_eq!(listed, waiting);
    }

    #[test]
    fn only_what_is_read_or_unwanted_is_forgotten(case in some_case()) {
        let verdict = decide(&case, &MailPolicy::default(), minutes(0));
        for one in &case.waiting {
            let is_forgotten = verdict.forget.iter().any(|(id, _)| *id == one.conversation);
            let is_wanted = case.preferences.wants_mail()
                && !case.preferences.has_muted(&one.conversation)
                && one.unmailed > 0;
            prop_assert_eq!(is_forgotten, !is_wanted);
        }
    }

    #[test]
    fn whoever_waits_waits_for_a_moment_to_come_outside_quiet_hours(case in some_case()) {
        let now = minutes(0);
        let verdict = decide(&case, &MailPolicy::default(), now);
        for (_, until) in &verdict.wait {
            prop_assert!(*until > now && !is_quiet(&case, *until));
        }
        prop_assert!(verdict.tell.is_empty() || !is_quiet(&case, now));
        prop_assert!(verdict.tell.len() <= MAIL_CONVERSATIONS_MAX);
        let is_recent = |sent: &&Timestamp| after(**sent, RECENT_MS) > now;
        let recent = case.recent_mails.iter().filter(is_recent).count();
        prop_assert!(verdict.tell.is_empty() || recent < 10);
    }

    /// Five days, decided at each moment that something waits for: nothing is told twice, nothing
    /// within its pause, and in the end everything was told.
    #[test]
    fn in_five_days_each_is_told_once_and_never_within_its_pause(case in some_case()) {
        let terms = MailPolicy::default();
        let mut case = PendingNotifications { recent_mails: vec![], ..case };
        let mut told: HashMap<ConversationId, Timestamp> = HashMap::new();
        let mut now = minutes(0);
        let end = minutes(5 * 24 * 60);
        while !case.waiting.is_empty() && now < end {
            let verdict = decide(&case, &terms, now);
            for (id, _) in &verdict.tell {
                let one = case.waiting.iter().find(|one| one.conversation == *id);
                let last = one.expect("it waited").last_mailed_at;
                let pause_ms = last.map_or(i64::MAX, |last| now.as_millis() - last.as_millis());
                prop_assert!(pause_ms >= signed(terms.conversation_pause_ms));
                prop_assert!(told.insert(id.clone(), now).is_none(), "told twice");
            }
            if !verdict.tell.is_empty() {
                case.recent_mails.insert(0, now);
            }
            let waits = |one: &PendingConversation| verdict.wait.iter().any(|(id, _)| *id == one.conversation);
            case.waiting.retain(waits);
            now = verdict.wait.iter().map(|(_, until)| *until).min().unwrap_or(end);
            case.recent_mails.retain(|sent| after(*sent, RECENT_MS) > now);
        }
        prop_assert!(case.waiting.is_empty(), "{} still wait", case.waiting.len());
    }
}
