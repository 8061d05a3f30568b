//! Properties of the schedule, for any pending conversations and preferences.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    ids::{ConversationId, Seq},
    mail::preferences::{Preferences, QuietHours},
    testing::fixture::{client, conversation_parties},
};

const MINUTE_MS: i64 = 60_000;

/// 2026-03-28T20:00:00Z: shortly before daylight saving time begins in Paris.
const START_MS: i64 = 1_774_728_000_000;

fn minutes(number: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + number * MINUTE_MS).expect("in range")
}

fn some_pending() -> impl Strategy<Value = PendingConversation> {
    let last_mailed_at = prop::option::of((-120_i64..0).prop_map(minutes));
    (-120_i64..=0, 0_u64..3, last_mailed_at).prop_map(|(since, unmailed, last_mailed_at)| {
        PendingConversation {
            newest_at: minutes(since),
            conversation: conversation_parties("any", "s1", "c1").0,
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
    fn some_input()(
        pending in prop::collection::vec(some_pending(), 0..80),
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
            conversations: pending.into_iter().enumerate().map(named).collect(),
            version: 0,
        }
    }
}

fn numbered(number: usize) -> ConversationId {
    conversation_parties(&format!("c{number}"), "s1", "c1").0
}

fn is_quiet(input: &PendingNotifications, at: Timestamp) -> bool {
    let quiet = input.preferences.quiet_hours;
    end_of_quiet_hours(&Zone::default(), quiet, at) != at
}

proptest! {
    #[test]
    fn every_pending_conversation_is_in_exactly_one_list(input in some_input()) {
        let decision = decide(&input, &MailPolicy::default(), minutes(0));
        let dropped = decision.drop.iter().map(|(id, _)| id);
        let is_deferred = decision.defer.iter().map(|(id, _)| id);
        let mailed = decision.send.iter().map(|(id, _)| id);
        let mut listed: Vec<_> = dropped.chain(is_deferred).chain(mailed).cloned().collect();
        let mut pending: Vec<_> = input.conversations.iter().map(|one| one.conversation.clone()).collect();
        listed.sort();
        pending.sort();
        prop_assert_eq!(listed, pending);
    }

    #[test]
    fn only_what_is_read_or_unwanted_is_dropped(input in some_input()) {
        let decision = decide(&input, &MailPolicy::default(), minutes(0));
        for one in &input.conversations {
            let is_dropped = decision.drop.iter().any(|(id, _)| *id == one.conversation);
            let is_wanted = input.preferences.wants_mail()
                && !input.preferences.has_muted(&one.conversation)
                && one.unmailed > 0;
            prop_assert_eq!(is_dropped, !is_wanted);
        }
    }

    #[test]
    fn a_deferred_conversation_is_due_in_the_future_outside_quiet_hours(input in some_input()) {
        let now = minutes(0);
        let decision = decide(&input, &MailPolicy::default(), now);
        for (_, until) in &decision.defer {
            prop_assert!(*until > now && !is_quiet(&input, *until));
        }
        prop_assert!(decision.send.is_empty() || !is_quiet(&input, now));
        prop_assert!(decision.send.len() <= MAIL_CONVERSATIONS_MAX);
        let is_recent = |sent: &&Timestamp| after(**sent, RECENT_MS) > now;
        let recent = input.recent_mails.iter().filter(is_recent).count();
        prop_assert!(decision.send.is_empty() || recent < 10);
    }

    /// Decides at each time that something waits for, for five days: nothing is mailed twice or
    /// within its pause, and in the end everything was mailed.
    #[test]
    fn in_five_days_each_is_mailed_once_and_never_within_its_pause(input in some_input()) {
        let policy = MailPolicy::default();
        let mut input = PendingNotifications { recent_mails: vec![], ..input };
        let mut mailed: HashMap<ConversationId, Timestamp> = HashMap::new();
        let mut now = minutes(0);
        let end = minutes(5 * 24 * 60);
        while !input.conversations.is_empty() && now < end {
            let decision = decide(&input, &policy, now);
            for (id, _) in &decision.send {
                let one = input.conversations.iter().find(|one| one.conversation == *id);
                let last = one.expect("it waited").last_mailed_at;
                let pause_ms = last.map_or(i64::MAX, |last| now.as_millis() - last.as_millis());
                prop_assert!(pause_ms >= signed(policy.conversation_pause_ms));
                prop_assert!(mailed.insert(id.clone(), now).is_none(), "mailed twice");
            }
            if !decision.send.is_empty() {
                input.recent_mails.insert(0, now);
            }
            let is_deferred = |one: &PendingConversation| decision.defer.iter().any(|(id, _)| *id == one.conversation);
            input.conversations.retain(is_deferred);
            now = decision.defer.iter().map(|(_, until)| *until).min().unwrap_or(end);
            input.recent_mails.retain(|sent| after(*sent, RECENT_MS) > now);
        }
        prop_assert!(input.conversations.is_empty(), "{} still wait", input.conversations.len());
    }
}
