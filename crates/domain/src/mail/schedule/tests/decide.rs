use crate::{
    ids::{ConversationId, Seq},
    mail::{
        preferences::{Preferences, QuietHours},
        schedule::*,
    },
    testing::fixture::{client, conversation_parties},
};

/// 10:00 in Paris, on a Monday.
const TEN: &str = "2026-01-05T09:00:00Z";

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

/// A time on that day, in Paris.
fn at(clock: &str) -> Timestamp {
    moment(&format!("2026-01-05T{clock}+01:00"))
}

fn conversation(id: &str) -> ConversationId {
    conversation_parties(id, "s1", "c1").0
}

fn pending(id: &str, since: Timestamp) -> PendingConversation {
    PendingConversation {
        conversation: conversation(id),
        since,
        noted: 1,
        unmailed: 1,
        up_to: Seq::new(7).expect("not negative"),
        newest_at: since,
        last_mailed_at: None,
    }
}

fn input(pending: Vec<PendingConversation>) -> PendingNotifications {
    let mut recipient = client("c1");
    recipient.profile.email = Some("c1@example.test".to_owned());
    let preferences = Preferences::usual(recipient.id.clone(), Timestamp::UNIX_EPOCH);
    let (is_suppressed, recent_mails, version) = (false, vec![], 0);
    PendingNotifications {
        recipient,
        preferences,
        is_suppressed,
        recent_mails,
        conversations: pending,
        version,
    }
}

fn with(frequency: Frequency, pending: Vec<PendingConversation>) -> PendingNotifications {
    let mut input = input(pending);
    input.preferences.frequency = frequency;
    input
}

fn decided(input: &PendingNotifications, clock: &str) -> MailDecision {
    decide(input, &MailPolicy::default(), at(clock))
}

fn sent(decision: &MailDecision) -> Vec<&str> {
    decision.send.iter().map(|(id, _)| id.as_str()).collect()
}

/// The time until which the only pending conversation is deferred.
fn deferred_until(decision: &MailDecision) -> Timestamp {
    match &decision.defer[..] {
        [(_, until)] if decision.send.is_empty() && decision.drop.is_empty() => *until,
        _ => panic!("one should wait: {decision:?}"),
    }
}

#[test]
fn what_is_unread_after_the_delay_is_mailed_up_to_its_newest() {
    let input = input(vec![pending("a", at("10:00:00"))]);
    assert_eq!(deferred_until(&decided(&input, "10:04:59")), at("10:05:00"));
    let decision = decided(&input, "10:05:00");
    assert_eq!(decision.send, [(conversation("a"), Seq::new(7).expect("not negative"))]);
    assert_eq!((decision.defer, decision.drop), (vec![], vec![]));
}

#[test]
fn an_unwanted_or_unreachable_notification_is_dropped() {
    let since = moment("2026-01-05T08:00:00Z");
    let usual = input(vec![pending("a", since)]);
    let mut table = vec![];
    let mut row = |change: fn(&mut PendingNotifications), reason| {
        let mut input = usual.clone();
        change(&mut input);
        table.push((input, reason));
    };
    row(|input| input.conversations[0].unmailed = 0, SkipReason::Read);
    row(|input| input.preferences.frequency = Frequency::Never, SkipReason::Unwanted);
    row(|input| input.preferences.mail_enabled = false, SkipReason::Unwanted);
    row(|input| input.preferences.muted.push(conversation("a")), SkipReason::Muted);
    row(|input| input.recipient.profile.email = None, SkipReason::Unreachable);
    row(|input| input.recipient.profile.email = Some(" ".to_owned()), SkipReason::Unreachable);
    row(|input| input.is_suppressed = true, SkipReason::Unreachable);
    for (input, reason) in table {
        let decision = decide(&input, &MailPolicy::default(), moment(TEN));
        assert_eq!(decision.drop, [(conversation("a"), reason)]);
        assert!(decision.defer.is_empty() && decision.send.is_empty(), "{decision:?}");
    }
}

#[test]
fn a_muted_conversation_silences_no_other() {
    let since = at("09:00:00");
    let mut input = input(vec![pending("a", since), pending("b", since)]);
    input.preferences.muted.push(conversation("a"));
    assert_eq!(sent(&decided(&input, "10:00:00")), ["b"]);
}

#[test]
fn a_second_mail_about_a_conversation_is_put_off_and_not_dropped() {
    let again = PendingConversation {
        last_mailed_at: Some(at("10:05:00")),
        ..pending("a", at("10:10:00"))
    };
    let input = input(vec![again]);
    assert_eq!(deferred_until(&decided(&input, "10:15:00")), at("11:05:00"));
    assert_eq!(sent(&decided(&input, "11:05:00")), ["a"]);
}

#[test]
fn all_that_is_due_is_in_one_mail_and_what_is_not_waits() {
    let [a, b, c] = [("a", "09:30:00"), ("b", "09:20:00"), ("c", "09:58:00")]
        .map(|(id, since)| pending(id, at(since)));
    let decision = decided(&input(vec![a, b, c]), "10:00:00");
    assert_eq!(sent(&decision), ["b", "a"]);
    assert_eq!(decision.defer, [(conversation("c"), at("10:03:00"))]);
}

#[test]
fn an_hourly_mail_comes_at_the_full_hour() {
    let since = |clock| with(Frequency::Hourly, vec![pending("a", at(clock))]);
    assert_eq!(deferred_until(&decided(&since("10:10:00"), "10:15:00")), at("11:00:00"));
    assert_eq!(sent(&decided(&since("10:10:00"), "11:00:00")), ["a"]);
    // Its delay is not over at the first full hour.
    assert_eq!(deferred_until(&decided(&since("10:58:00"), "11:03:00")), at("12:00:00"));
}

#[test]
fn an_hourly_mail_includes_what_is_not_due_yet() {
    let input =
        with(Frequency::Hourly, vec![pending("a", at("10:10:00")), pending("b", at("10:58:00"))]);
    assert_eq!(sent(&decided(&input, "11:00:00")), ["a", "b"]);
}

#[test]
fn an_hourly_mail_that_left_a_moment_late_delays_the_next_by_a_moment() {
    let mailed_late = |clock| PendingConversation {
        last_mailed_at: Some(at(clock)),
        ..pending("a", at("11:30:00"))
    };
    let hourly = |clock| with(Frequency::Hourly, vec![mailed_late(clock)]);
    assert_eq!(deferred_until(&decided(&hourly("11:00:03"), "11:35:00")), at("12:00:03"));
    // That was no hourly mail: the pause decides, and the next full hour after it.
    assert_eq!(deferred_until(&decided(&hourly("11:20:00"), "11:35:00")), at("13:00:00"));
}

#[test]
fn a_daily_mail_comes_at_nine_by_the_person_s_clock() {
    let mut input = with(Frequency::Daily, vec![pending("a", at("10:10:00"))]);
    let decision = decided(&input, "10:15:00");
    assert_eq!(deferred_until(&decision), moment("2026-01-06T09:00:00+01:00"));
    input.recipient.profile.zone = Zone::parse("America/New_York").ok();
    assert_eq!(deferred_until(&decided(&input, "10:15:00")), moment("2026-01-05T09:00:00-05:00"));
    input.preferences.zone = Zone::parse("Asia/Tokyo").ok();
    assert_eq!(
        deferred_until(&decided(&input, "10:15:00")),
        moment("2026-01-06T09:00:00+09:00"),
        "what the person says counts more than the directory"
    );
}

#[test]
fn quiet_hours_are_waited_out() {
    let mut input = input(vec![pending("a", at("21:56:00"))]);
    input.preferences.quiet_hours = QuietHours::new(22 * 60, 7 * 60).ok();
    let morning = moment("2026-01-06T07:00:00+01:00");
    assert_eq!(deferred_until(&decided(&input, "21:57:00")), morning, "it would be due at 22:01");
    assert_eq!(deferred_until(&decided(&input, "22:01:00")), morning);
    let decision = decide(&input, &MailPolicy::default(), morning);
    assert_eq!(sent(&decision), ["a"]);
}

#[test]
fn no_more_than_ten_mails_reach_a_person_in_a_minute() {
    let mut input = input(vec![pending("a", at("10:00:00"))]);
    let seconds_ago = |seconds: i64| after(at("10:30:00"), -seconds * 1_000);
    input.recent_mails = (1..=9).map(seconds_ago).collect();
    assert_eq!(sent(&decided(&input, "10:30:00")), ["a"]);
    input.recent_mails.push(seconds_ago(40));
    assert_eq!(deferred_until(&decided(&input, "10:30:00")), at("10:30:20"));
    assert_eq!(sent(&decided(&input, "10:30:20")), ["a"]);
}

#[test]
fn a_mail_tells_of_fifty_conversations_and_the_next_of_the_others() {
    let many = 0..i64::try_from(MAIL_CONVERSATIONS_MAX).expect("few") + 3;
    let newest_first = many
        .rev()
        .map(|number| pending(&format!("c{number}"), after(at("08:00:00"), number * 1_000)));
    let decision = decided(&input(newest_first.collect()), "10:00:00");
    assert_eq!((decision.send.len(), decision.defer.len()), (MAIL_CONVERSATIONS_MAX, 3));
    assert_eq!(sent(&decision)[0], "c0", "who waits longest comes first");
    assert!(decision.defer.iter().all(|(_, until)| *until == at("10:01:00")));
}

#[test]
fn what_waited_for_longer_than_a_week_is_not_mailed() {
    let week_ago = |millis: i64| after(at("10:00:00"), millis - 604_800_000);
    let [old, on_time, answered] =
        ["old", "on-time", "answered"].map(|id| pending(id, week_ago(-1)));
    let on_time = PendingConversation { since: week_ago(0), newest_at: week_ago(0), ..on_time };
    // A new message came since: the conversation is mailed.
    let answered = PendingConversation { newest_at: at("09:50:00"), ..answered };
    let read = PendingConversation { unmailed: 0, ..pending("read", week_ago(-1)) };
    let mut input = input(vec![old, on_time, answered, read]);
    let decision = decided(&input, "10:00:00");
    assert_eq!(sent(&decision), ["answered", "on-time"]);
    let dropped =
        [(conversation("old"), SkipReason::TooOld), (conversation("read"), SkipReason::Read)];
    assert_eq!(decision.drop, dropped);
    assert_eq!((decision.dropped(SkipReason::TooOld), decision.dropped(SkipReason::Muted)), (1, 0));
    // A person who wants no mail missed none.
    input.preferences.frequency = Frequency::Never;
    assert_eq!(decided(&input, "10:00:00").dropped(SkipReason::TooOld), 0);
}

#[test]
fn preferences_alone_never_make_a_notification_too_old() {
    let day_ms = 86_400_000;
    let policy = MailPolicy {
        delay_ms: day_ms,
        conversation_pause_ms: day_ms,
        notice_age_max_ms: 4 * day_ms,
        ..MailPolicy::default()
    };
    // Mailed just before; the daily mail of nine o'clock falls into quiet hours that end just
    // before nine.
    let since = at("08:59:00");
    let one = PendingConversation { last_mailed_at: Some(since), ..pending("a", since) };
    let mut input = with(Frequency::Daily, vec![one]);
    input.preferences.quiet_hours = QuietHours::new(9 * 60, 9 * 60 - 1).ok();
    let mut now = since;
    for _ in 0..10 {
        let decision = decide(&input, &policy, now);
        assert_eq!(decision.drop, [], "{now}");
        match decision.defer.first() {
            Some((_, until)) => now = *until,
            None => return assert_eq!(sent(&decision), ["a"]),
        }
    }
    panic!("it is never mailed");
}
