//! Index usage with many jobs.

use domain::{
    appointments::store::{AppointmentStore, ReceiveOutcome},
    conversation::store::UploadStore,
    ids::{AppointmentId, AttachmentId, ConversationId},
    jobs::{
        Task,
        store::{ClaimJobs, JobStore},
    },
    testing::fixture::{booking_event, user},
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, now},
    waiting::until,
};

/// 50,000 jobs of which few are due; 50,000 events of 10,000 bookings, most of them handled; 20,000
/// uploads of 2,000 people.
const MUCH: &str = "
    INSERT INTO messaging.job (id, kind, subject, created_at, run_at, dead_at)
    SELECT 'j' || n, 'delete_object', 'o' || n, now(), '2026-01-01'::timestamptz + n * interval '1 minute',
        CASE n % 100 WHEN 0 THEN now() END
    FROM generate_series(1, 50000) AS n;
    INSERT INTO messaging.appointment_event (id, salon_id, client_id, appointment_id, kind, service, starts_at,
        client_first_name, occurred_at, received_at, handled_at)
    SELECT 'e' || n, 's' || n % 100, 'c' || n % 5000, 'rdv-' || n % 10000, 'confirmed', 'TATTOO', now(),
        'Camille', now() + n * interval '1 s', now(), CASE WHEN n < 40000 THEN now() END
    FROM generate_series(1, 50000) AS n;
    INSERT INTO messaging.upload (id, owner_id, name, object_key, thumbnail_key, begun_at)
    SELECT 'u' || n, 'c' || n % 2000, 'a.png', 'o' || n, 't' || n, '2026-01-01'::timestamptz + n * interval '1 minute'
    FROM generate_series(1, 20000) AS n;";

/// All queries of a worker.
async fn a_day_s_work(store: &PgStore) {
    // More often than five times, after which a generic plan may be used.
    for round in 0..8 {
        let claim = ClaimJobs { now: now(), lease_ms: 3_600_000, limit: 10, kinds: &Task::KINDS };
        let jobs = store.claim_jobs(&claim).await.expect(ANSWERS);
        assert_eq!(jobs.len(), 10);
        assert!(store.finish_job(&jobs[0].id, jobs[0].attempt).await.expect(ANSWERS));
        let mut like = booking_event("e1", "booked");
        like.salon = user(&format!("s{round}"));
        like.appointment = AppointmentId::parse(&format!("rdv-{round}")).expect("a good id");
        let first = store.first_pending_appointment_event(&like).await.expect(ANSWERS);
        let first = first.expect("the newest fifth waits");
        assert!(first.newest_handled.is_some());
        let found = store.pending_appointment_event(&first.event.id).await.expect(ANSWERS);
        assert_eq!(found, Some(first));
        let mut wanting = booking_event(&format!("wanting-{round}"), "booked");
        wanting.salon = like.salon.clone();
        wanting.conversation = ConversationId::parse(&format!("wanted-{round}")).ok();
        let kept = store.receive_appointment_event(&wanting, now()).await.expect(ANSWERS);
        assert!(matches!(kept, ReceiveOutcome::Stored | ReceiveOutcome::Known), "{kept:?}");
        let named = [like.appointment.clone(), wanting.appointment.clone()];
        store.conversations_of_bookings(&like.salon, &named).await.expect(ANSWERS);
        assert_eq!(store.purge_uploads(now(), 5, now()).await.expect(ANSWERS), 5);
        let upload = AttachmentId::parse(&format!("u{}", 19_000 + round)).expect("a good id");
        store.abandon_upload(&upload, now()).await.expect(ANSWERS);
        assert!(!store.carries_hosted_file("upload-1").await.expect(ANSWERS));
        assert_eq!(store.downloadable(&upload).await.expect(ANSWERS), None);
        assert_eq!(store.attachment(&upload, &user("c1")).await.expect(ANSWERS), None);
    }
}

#[tokio::test]
async fn looking_for_work_reads_no_whole_table() {
    const READ_WHOLE: &str = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables
        WHERE schemaname = 'messaging' AND relname IN ('job', 'appointment_event', 'upload')";
    let scratch = Scratch::new().await;
    scratch.sql(MUCH).await;
    scratch.sql("VACUUM ANALYZE").await;
    let before = scratch.number(READ_WHOLE).await;
    for plan in ["auto", "force_generic_plan"] {
        let mode = format!("ALTER DATABASE {} SET plan_cache_mode = {plan}", scratch.name());
        scratch.sql(&mode).await;
        let store = scratch.another(|settings| settings.pool_connections_max = 1);
        a_day_s_work(&store).await;
    }

    let used = |index: &str| {
        format!("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'")
    };
    // A session reports its statistics when it ends at the latest.
    until(async || scratch.number(&used("job_due")).await >= 16).await;
    assert_eq!(scratch.number(READ_WHOLE).await, before, "a whole table was read");
    for index in [
        "appointment_event_pending",
        "appointment_event_handled",
        "appointment_event_wanting",
        "upload_by_time",
    ] {
        assert!(scratch.number(&used(index)).await > 0, "{index} is not used");
    }
}
