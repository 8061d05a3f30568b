use crate::{
    ids::{ConversationId, Seq},
    mail::{
        preferences::{Preferences, QuietHours},
        schedule::*,
    },
    testing::fixture::{client, talk},
};

/// 10:00 in Paris, on a Monday.
const TEN: &str = "2026-01-05T09:00:00Z";

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

/// A moment on that day, by the clock in Paris.
fn at(clock: &str) -> Timestamp {
    moment(&format!("2026-01-05T{clock}+01:00"))
}

fn conversation(id: &str) -> ConversationId {
    talk(id, "s1", "c1").0
}

fn waiting(id: &str, since: Timestamp) -> PendingConversation {
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

fn case(waiting: Vec<PendingConversation>) -> PendingNotifications {
    let mut recipient = client("c1");
    recipient.profile.email = Some("c1@example.test".to_owned());
    let preferences = Preferences::usual(recipient.id.clone(), Timestamp::UNIX_EPOCH);
    let (is_suppressed, recent_mails, version) = (false, vec![], 0);
    PendingNotifications { recipient, preferences, is_suppressed, recent_mails, waiting, version }
}

fn with(frequency: Frequency, waiting: Vec<PendingConversation>) -> PendingNotifications {
    let mut case = case(waiting);
    case.preferences.frequency = frequency;
    case
}

fn decided(case: &PendingNotifications, clock: &str) -> MailDecision {
    decide(case, &MailPolicy::default(), at(clock))
}

fn told(verdict: &MailDecision) -> Vec<&str> {
    verdict.tell.iter().map(|(id, _)| id.as_str()).collect()
}

/// Until when the only thing that waits has to wait.
fn waits_until(verdict: &MailDecision) -> Timestamp {
    match &verdict.wait[..] {
        [(_, until)] if verdict.tell.is_empty() && verdict.forget.is_empty() => *until,
        _ => panic!("one should wait: {verdict:?}"),
    }
}

#[test]
fn what_is_unread_after_the_delay_is_told_up_to_its_newest() {
    let case = case(vec![waiting("a", at("10:00:00"))]);
    assert_eq!(waits_until(&decided(&case, "10:04:59")), at("10:05:00"));
    let verdict = decided(&case, "10:05:00");
    assert_eq!(verdict.tell, [(conversation("a"), Seq::new(7).expect("not negative"))]);
    assert_eq!((verdict.wait, verdict.forget), (vec![], vec![]));
}

#[test]
fn what_nobody_wants_or_can_get_is_forgotten() {
    let since = moment("2026-01-05T08:00:00Z");
    let usual = case(vec![waiting("a", since)]);
    let mut table = vec![];
    let mut row = |change: fn(&mut PendingNotifications), why| {
        let mut case = usual.clone();
        change(&mut case);
        table.push((case, why));
    };
    row(|case| case.waiting[0].unmailed = 0, SkipReason::Read);
    row(|case| case.preferences.frequency = Frequency::Never, SkipReason::Unwanted);
    row(|case| case.preferences.mail_enabled = false, SkipReason::Unwanted);
    row(|case| case.preferences.muted.push(conversation("a")), SkipReason::Muted);
    row(|case| case.recipient.profile.email = None, SkipReason::Unreachable);
    row(|case| case.recipient.profile.email = Some(" ".to_owned()), SkipReason::Unreachable);
    row(|case| case.is_suppressed = true, SkipReason::Unreachable);
    for (case, why) in table {
        let verdict = decide(&case, &MailPolicy::default(), moment(TEN));
        assert_eq!(verdict.forget, [(conversation("a"), why)]);
        assert!(verdict.wait.is_empty() && verdict.tell.is_empty(), "{verdict:?}");
    }
}

#[test]
fn a_muted_conversation_silences_no_other() {
    let since = at("09:00:00");
    let mut case = case(vec![waiting("a", since), waiting("b", since)]);
    case.preferences.muted.push(conversation("a"));
    assert_eq!(told(&decided(&case, "10:00:00")), ["b"]);
}

#[test]
fn a_second_mail_about_a_conversation_is_put_off_and_not_dropped() {
    let again = PendingConversation {
        last_mailed_at: Some(at("10:05:00")),
        ..waiting("a", at("10:10:00"))
    };
    let case = case(vec![again]);
    assert_eq!(waits_until(&decided(&case, "10:15:00")), at("11:05:00"));
    assert_eq!(told(&decided(&case, "11:05:00")), ["a"]);
}

#[test]
fn all_that_is_due_is_in_one_mail_and_what_is_not_waits() {
    let [a, b, c] = [("a", "09:30:00"), ("b", "09:20:00"), ("c", "09:58:00")]
        .map(|(id, since)| waiting(id, at(since)));
    let verdict = decided(&case(vec![a, b, c]), "10:00:00");
    assert_eq!(told(&verdict), ["b", "a"]);
    assert_eq!(verdict.wait, [(conversation("c"), at("10:03:00"))]);
}

#[test]
fn an_hourly_mail_comes_at_the_full_hour() {
    let since = |clock| with(Frequency::Hourly, vec![waiting("a", at(clock))]);
    assert_eq!(waits_until(&decided(&since("10:10:00"), "10:15:00")), at("11:00:00"));
    assert_eq!(told(&decided(&since("10:10:00"), "11:00:00")), ["a"]);
    // Too fresh for the first full hour.
    assert_eq!(waits_until(&decided(&since("10:58:00"), "11:03:00")), at("12:00:00"));
}

#[test]
fn an_hourly_mail_takes_along_what_waits() {
    let case =
        with(Frequency::Hourly, vec![waiting("a", at("10:10:00")), waiting("b", at("10:58:00"))]);
    assert_eq!(told(&decided(&case, "11:00:00")), ["a", "b"]);
}

#[test]
fn an_hourly_mail_that_left_a_moment_late_delays_the_next_by_a_moment() {
    let told_late = |clock| PendingConversation {
        last_mailed_at: Some(at(clock)),
        ..waiting("a", at("11:30:00"))
    };
    let hourly = |clock| with(Frequency::Hourly, vec![told_late(clock)]);
    assert_eq!(waits_until(&decided(&hourly("11:00:03"), "11:35:00")), at("12:00:03"));
    // It was no hourly mail then: the pause wins, and the next full hour after it.
    assert_eq!(waits_until(&decided(&hourly("11:20:00"), "11:35:00")), at("13:00:00"));
}

#[test]
fn a_daily_mail_comes_at_nine_by_the_person_s_clock() {
    let mut case = with(Frequency::Daily, vec![waiting("a", at("10:10:00"))]);
    let verdict = decided(&case, "10:15:00");
    assert_eq!(waits_until(&verdict), moment("2026-01-06T09:00:00+01:00"));
    case.recipient.profile.zone = Zone::parse("America/New_York").ok();
    assert_eq!(waits_until(&decided(&case, "10:15:00")), moment("2026-01-05T09:00:00-05:00"));
    case.preferences.zone = Zone::parse("Asia/Tokyo").ok();
    assert_eq!(
        waits_until(&decided(&case, "10:15:00")),
        moment("2026-01-06T09:00:00+09:00"),
        "what the person says counts more than the directory"
    );
}

#[test]
fn quiet_hours_are_waited_out() {
    let mut case = case(vec![waiting("a", at("21:56:00"))]);
    case.preferences.quiet_hours = QuietHours::new(22 * 60, 7 * 60).ok();
    let morning = moment("2026-01-06T07:00:00+01:00");
    assert_eq!(waits_until(&decided(&case, "21:57:00")), morning, "it would be due at 22:01");
    assert_eq!(waits_until(&decided(&case, "22:01:00")), morning);
    let verdict = decide(&case, &MailPolicy::default(), morning);
    assert_eq!(told(&verdict), ["a"]);
}

#[test]
fn no_more_than_ten_mails_reach_a_person_in_a_minute() {
    let mut case = case(vec![waiting("a", at("10:00:00"))]);
    let seconds_ago = |seconds: i64| after(at("10:30:00"), -seconds * 1_000);
    case.recent_mails = (1..=9).map(seconds_ago).collect();
    assert_eq!(told(&decided(&case, "10:30:00")), ["a"]);
    case.recent_mails.push(seconds_ago(40));
    assert_eq!(waits_until(&decided(&case, "10:30:00")), at("10:30:20"));
    assert_eq!(told(&decided(&case, "10:30:20")), ["a"]);
}

#[test]
fn a_mail_tells_of_fifty_conversations_and_the_next_of_the_others() {
    let many = 0..i64::try_from(MAIL_CONVERSATIONS_MAX).expect("few") + 3;
    let newest_first = many
        .rev()
        .map(|number| waiting(&format!("c{number}"), after(at("08:00:00"), number * 1_000)));
    let verdict = decided(&case(newest_first.collect()), "10:00:00");
    assert_eq!((verdict.tell.len(), verdict.wait.len()), (MAIL_CONVERSATIONS_MAX, 3));
    assert_eq!(told(&verdict)[0], "c0", "who waits longest comes first");
    assert!(verdict.wait.iter().all(|(_, until)| *until == at("10:01:00")));
}

#[test]
fn what_waited_for_longer_than_a_week_is_told_by_no_mail() {
    let week_ago = |millis: i64| after(at("10:00:00"), millis - 604_800_000);
    let [old, on_time, answered] =
        ["old", "on-time", "answered"].map(|id| waiting(id, week_ago(-1)));
    let on_time = PendingConversation { since: week_ago(0), newest_at: week_ago(0), ..on_time };
    // Something new came since: the conversation is told of.
    let answered = PendingConversation { newest_at: at("09:50:00"), ..answered };
    let read = PendingConversation { unmailed: 0, ..waiting("read", week_ago(-1)) };
    let mut case = case(vec![old, on_time, answered, read]);
    let verdict = decided(&case, "10:00:00");
    assert_eq!(told(&verdict), ["answered", "on-time"]);
    let forgotten =
        [(conversation("old"), SkipReason::TooOld), (conversation("read"), SkipReason::Read)];
    assert_eq!(verdict.forget, forgotten);
    assert_eq!(
        (verdict.forgotten(SkipReason::TooOld), verdict.forgotten(SkipReason::Muted)),
        (1, 0)
    );
    // Whoever wants no mail missed none.
    case.preferences.frequency = Frequency::Never;
    assert_eq!(decided(&case, "10:00:00").forgotten(SkipReason::TooOld), 0);
}

#[test]
fn nobody_waits_for_so_long_by_their_own_wishes_that_it_would_be_too_old() {
    let day_ms = 86_400_000;
    let terms = MailPolicy {
        delay_ms: day_ms,
        conversation_pause_ms: day_ms,
        notice_age_max_ms: 4 * day_ms,
        ..MailPolicy::default()
    };
    // Told of just before; the daily mail of nine o'clock falls into quiet hours that end just before nine.
    let since = at("08:59:00");
    let one = PendingConversation { last_mailed_at: Some(since), ..waiting("a", since) };
    let mut case = with(Frequency::Daily, vec![one]);
    case.preferences.quiet_hours = QuietHours::new(9 * 60, 9 * 60 - 1).ok();
    let mut now = since;
    for _ in 0..10 {
        let verdict = decide(&case, &terms, now);
        assert_eq!(verdict.forget, [], "{now}");
        match verdict.wait.first() {
            Some((_, until)) => now = *until,
            None => return assert_eq!(told(&verdict), ["a"]),
        }
    }
    panic!("it is never told");
}
