//! Retention of very many messages: a dry run reports what a run does, and unread counts of other
//! conversations do not change. `RETENTION_MESSAGES` is the number of messages; figures are printed.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;
mod wall;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use domain::{
    Messaging, Services,
    ids::ConversationId,
    retention::{RetentionPolicy, RetentionReport, RetentionSettings},
    testing::{
        commands::NoFanout,
        fixture::{CountingIds, text, user},
    },
};
use support::Scratch;
use wall::RunningClock;

const MUCH: &str = include_str!("much.sql");

/// The default number of messages.
const MESSAGES: u32 = 40_000;

/// The unread counts of all conversations.
const UNREAD: &str = "
    SELECT c.id, u.salon, u.client, greatest(c.salon_message_seq, c.client_message_seq) > 0 AS says_something
    FROM messaging.conversation AS c
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE author_side = 'client' AND seq > c.salon_read_seq) AS salon,
            count(*) FILTER (WHERE author_side = 'salon' AND seq > c.client_read_seq) AS client
        FROM messaging.message WHERE conversation_id = c.id AND deleted_at IS NULL
    ) AS u
    WHERE c.id <> 't00000000'";

/// Conversations whose counters differ from their messages.
const UNTRUE: &str = "
    SELECT count(*) FROM messaging.conversation AS c
    CROSS JOIN LATERAL (
        SELECT count(*) AS messages,
            coalesce(max(seq) FILTER (WHERE author_side = 'salon'), 0) AS salon_seq,
            coalesce(max(seq) FILTER (WHERE author_side = 'client'), 0) AS client_seq,
            count(*) FILTER (WHERE author_side = 'client' AND seq > c.salon_read_seq) AS by_salon,
            count(*) FILTER (WHERE author_side = 'salon' AND seq > c.client_read_seq) AS by_client
        FROM messaging.message WHERE conversation_id = c.id AND deleted_at IS NULL
    ) AS m
    WHERE (c.message_count, c.salon_message_seq, c.client_message_seq, c.unread_by_salon, c.unread_by_client)
        <> (m.messages, m.salon_seq, m.client_seq, m.by_salon, m.by_client)";

fn services(scratch: &Scratch) -> Services {
    let policy = RetentionPolicy::new(90, Some(30)).expect("good");
    let store = Arc::new((**scratch).clone());
    let ids = Arc::new(CountingIds::new());
    Services::new(store, Arc::new(NoFanout::default()), Arc::new(RunningClock::new()), ids)
        .with_retention(RetentionSettings { policy, log_days: 90 })
}

/// The counts of a report, without timings.
fn counts(report: RetentionReport) -> RetentionReport {
    RetentionReport { transactions: 0, longest_ms: 0, ..report }
}

/// Sends messages one after the other until stopped. Returns the sorted durations.
async fn send_until(messaging: &Messaging, stop: &AtomicBool) -> Vec<u128> {
    let young = ConversationId::parse("t00000000").expect("good");
    let mut took_us = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let sent = messaging.send_message(&young, &user("c0"), text("Bonjour")).await;
        sent.expect("the client takes part");
        took_us.push(begun.elapsed().as_micros());
    }
    took_us.sort_unstable();
    took_us
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_over_very_many_messages_does_what_the_dry_run_said() {
    let wanted = std::env::var("RETENTION_MESSAGES").ok().and_then(|text| text.parse().ok());
    let messages: u32 = wanted.unwrap_or(MESSAGES);
    let scratch = Scratch::new().await;
    scratch.sql(&MUCH.replace("{messages}", &messages.to_string())).await;
    scratch.sql("VACUUM ANALYZE").await;
    let Services { messaging, retention, .. } = services(&scratch);

    let begun = Instant::now();
    let dry = retention.run_retention(true).await.expect("the store works");
    println!("{messages} messages; dry run {:?} in {:?}", counts(dry), begun.elapsed());
    scratch.sql(&format!("CREATE TABLE unread_before AS {UNREAD}")).await;
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.job").await, 0);

    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    let run = async {
        let report = retention.run_retention(false).await.expect("the store works");
        stop.store(true, Ordering::Relaxed);
        report
    };
    let (real, took_us) = tokio::join!(run, send_until(&messaging, &stop));
    println!(
        "run in {:?}: {} transactions, the longest {} ms; {} messages sent meanwhile, p99 {} us, the slowest {} us",
        begun.elapsed(),
        real.transactions,
        real.longest_ms,
        took_us.len(),
        took_us[took_us.len() * 99 / 100],
        took_us[took_us.len() - 1],
    );
    assert_eq!(counts(real), counts(dry));
    assert!(
        real.archived > 0 && real.messages > 0 && real.files > 0 && real.held_back > 0,
        "{real:?}"
    );
    assert!(real.log_entries > 0, "{real:?}");

    let other = format!(
        "SELECT count(*) FROM ({UNREAD}) AS now JOIN unread_before AS before ON before.id = now.id
        WHERE CASE WHEN now.says_something THEN (now.salon, now.client) <> (before.salon, before.client)
            ELSE greatest(now.salon, now.client) > 0 END"
    );
    assert_eq!(scratch.number(&other).await, 0, "somebody has something else to read");
    assert_eq!(scratch.number(UNTRUE).await, 0);
    let again = retention.run_retention(false).await.expect("the store works");
    let nothing = RetentionReport { held_back: real.held_back, ..RetentionReport::default() };
    assert_eq!(counts(again), nothing);
}
