//! Constraints of the database.

use crate::{support::Scratch, talk::TestConversation};

/// Runs `sql`, which must fail, and returns the violated constraint.
async fn offends(scratch: &Scratch, sql: &str) -> String {
    let session = scratch.session().await;
    let error = session.simple_query(sql).await.expect_err(sql);
    let error = error.as_db_error().expect("an answer of the database").clone();
    error.constraint().map_or_else(|| error.message().to_owned(), str::to_owned)
}

#[tokio::test]
async fn wrong_rows_are_refused() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let refused = [
        ("UPDATE messaging.conversation SET client_id = salon_id", "conversation_sides_differ"),
        (
            "UPDATE messaging.conversation SET salon_read_seq = last_seq + 1",
            "conversation_positions_exist",
        ),
        ("UPDATE messaging.conversation SET client_read_seq = -1", "conversation_positions_exist"),
        (
            "UPDATE messaging.conversation SET client_message_seq = 99",
            "conversation_positions_exist",
        ),
        ("UPDATE messaging.conversation SET status = 'CLOSED'", "status_word"),
        ("UPDATE messaging.conversation SET subject = ''", "subject_length"),
        ("UPDATE messaging.conversation SET deleted_at = now()", "conversation_deleted_is_empty"),
        ("UPDATE messaging.conversation SET client_id = 'nobody'", "conversation_client_id_fkey"),
        ("UPDATE messaging.message SET seq = 0", "message_bounds"),
        ("UPDATE messaging.message SET kind = 'VIDEO'", "message_kind_word"),
        ("UPDATE messaging.message SET content = ''", "message_says_something"),
        ("UPDATE messaging.message SET content = repeat('é', 10001)", "content_length"),
        ("UPDATE messaging.message SET deleted_at = now()", "message_says_something"),
        ("UPDATE messaging.message SET author_side = 'nobody'", "side_word"),
        ("UPDATE messaging.message SET attachment_count = 6", "message_bounds"),
        ("UPDATE messaging.message SET id = 'a b'", "id_form"),
        ("UPDATE messaging.message SET id = repeat('x', 65)", "id_form"),
        ("UPDATE messaging.event SET kind = 'something'", "event_kind_word"),
        ("UPDATE messaging.event SET message_id = NULL WHERE seq = 2", "event_names_its_message"),
        ("UPDATE messaging.event SET seq = 0 WHERE seq = 1", "event_seq_exists"),
        (
            "UPDATE messaging.event SET kind = 'messages_read', message_id = NULL WHERE seq = 2",
            "event_says_what_was_read",
        ),
        ("UPDATE messaging.event SET read_up_to = 0 WHERE seq = 1", "event_says_what_was_read"),
        ("DELETE FROM messaging.conversation", "message_conversation_id_fkey"),
    ];
    for (sql, constraint) in refused {
        assert_eq!(offends(&scratch, sql).await, constraint, "{sql}");
    }
}

#[tokio::test]
async fn what_must_be_unique_is() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let copies = [
        ("message", "id = 'other', seq = 9", "message_sent_once"),
        ("message", "id = 'other', client_message_id = NULL", "message_position"),
        ("message", "seq = 9, client_message_id = NULL", "message_pkey"),
        ("conversation", "id = 'other'", "conversation_of_appointment"),
        ("event", "actor_id = 's1'", "event_pkey"),
    ];
    scratch.sql("UPDATE messaging.message SET client_message_id = 'k1'").await;
    scratch.sql("UPDATE messaging.conversation SET appointment_id = 'rdv-1'").await;
    for (table, change, constraint) in copies {
        // The last columns of a conversation are computed, and cannot be inserted.
        let copy = format!(
            "CREATE TEMP TABLE copy AS SELECT * FROM messaging.{table};
            UPDATE copy SET {change};
            ALTER TABLE copy DROP COLUMN IF EXISTS waits_for_salon, DROP COLUMN IF EXISTS waits_for_client,
                DROP COLUMN IF EXISTS last_message_minute;
            INSERT INTO messaging.{table} SELECT * FROM copy",
        );
        assert_eq!(offends(&scratch, &copy).await, constraint, "{table}: {change}");
    }
}

#[tokio::test]
async fn a_file_has_bounds() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await.message;
    let file = |place: i32, kind: &str, bytes: i32| {
        format!(
            "INSERT INTO messaging.attachment
                (id, message_id, position, name, url, media_type, size_bytes) VALUES
            ('a{place}{bytes}', '{}', {place}, 'a.png', 'https://utfs.io/f/a', '{kind}', {bytes})",
            message.id,
        )
    };
    scratch.sql(&file(1, "image/png", 1)).await;
    let refused = [
        (file(6, "image/png", 1), "attachment_position_check"),
        (file(0, "image/png", 1), "attachment_position_check"),
        (file(1, "image/png", 2), "attachment_order"),
        (file(2, "text/html", 1), "attachment_media_type_check"),
        (file(2, "image/png", 0), "attachment_size_bytes_check"),
        (file(2, "image/png", 10_485_761), "attachment_size_bytes_check"),
        ("UPDATE messaging.attachment SET url = NULL".to_owned(), "attachment_is_in_one_place"),
        (
            "UPDATE messaging.attachment SET object_key = 'o'".to_owned(),
            "attachment_is_in_one_place",
        ),
    ];
    for (sql, constraint) in refused {
        assert_eq!(offends(&scratch, &sql).await, constraint, "{sql}");
    }
}

#[tokio::test]
async fn what_the_platform_says_is_the_platform_s() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let said = "UPDATE messaging.message SET notice = '{}'";
    assert_eq!(offends(&scratch, said).await, "message_notice_is_the_platform_s");
    let said = "UPDATE messaging.message SET kind = 'SYSTEM', notice = '{}'";
    scratch.sql(said).await;
    let gone = "UPDATE messaging.message SET content = '', deleted_at = now()";
    assert_eq!(offends(&scratch, gone).await, "message_notice_is_the_platform_s");
}

#[tokio::test]
async fn work_and_reports_have_a_form() {
    let scratch = Scratch::new().await;
    scratch
        .sql(
            "INSERT INTO messaging.appointment_event (id, salon_id, client_id, appointment_id, kind,
                service, starts_at, occurred_at, received_at)
            VALUES ('e1', 's1', 'c1', 'r1', 'booked', 'TATTOO', now(), now(), now());
            INSERT INTO messaging.upload (id, owner_id, name, object_key, thumbnail_key, begun_at)
            VALUES ('a1', 'c1', 'a.png', 'o1', 't1', now());
            INSERT INTO messaging.erasure (person_id, requested_at) VALUES ('c9', now());
            SELECT messaging.enqueue_job('purge_uploads', '', now())",
        )
        .await;
    let refused = [
        ("appointment_event SET client_id = salon_id", "appointment_event_sides_differ"),
        ("appointment_event SET kind = 'danced'", "appointment_event_kind_word"),
        ("appointment_event SET service = 'DANSE'", "appointment_event_service_word"),
        (
            "appointment_event SET handled_at = now(), rejected_at = now()",
            "appointment_event_has_one_end",
        ),
        ("upload SET media_type = 'image/png'", "upload_is_kept_or_not"),
        ("upload SET object_key = '../x'", "object_key_form"),
        ("upload SET object_key = 'a//b'", "object_key_form"),
        ("erasure SET files = -1", "erasure_counts"),
        ("job SET attempts = -1", "job_attempts_check"),
        ("job SET kind = ''", "job_kind_check"),
        ("schedule SET every_ms = 0", "schedule_every_ms_check"),
    ];
    for (change, constraint) in refused {
        let sql = format!("UPDATE messaging.{change}");
        assert_eq!(offends(&scratch, &sql).await, constraint, "{sql}");
    }
}
