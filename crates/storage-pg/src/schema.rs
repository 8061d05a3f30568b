//! The tables, as the migrations leave them. A test compares the two.

diesel::table! {
    messaging.participant (id) {
        id -> Text,
        role -> Text,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        salon_name -> Nullable<Text>,
        image -> Nullable<Text>,
        email -> Nullable<Text>,
        language -> Nullable<Text>,
        zone -> Nullable<Text>,
        is_forgotten -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.conversation (id) {
        id -> Text,
        salon_id -> Text,
        client_id -> Text,
        appointment_id -> Nullable<Text>,
        subject -> Nullable<Text>,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_message_at -> Timestamptz,
        last_seq -> BigInt,
        salon_read_seq -> BigInt,
        client_read_seq -> BigInt,
        salon_message_seq -> BigInt,
        client_message_seq -> BigInt,
        message_count -> BigInt,
        deleted_at -> Nullable<Timestamptz>,
        unread_by_salon -> BigInt,
        unread_by_client -> BigInt,
        waits_for_salon -> Bool,
        waits_for_client -> Bool,
        last_message_minute -> Timestamptz,
    }
}

diesel::table! {
    messaging.message (id) {
        id -> Text,
        conversation_id -> Text,
        seq -> BigInt,
        author_side -> Text,
        kind -> Text,
        content -> Text,
        notice -> Nullable<Jsonb>,
        attachment_count -> SmallInt,
        client_message_id -> Nullable<Text>,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging.attachment (id) {
        id -> Text,
        message_id -> Text,
        position -> SmallInt,
        name -> Text,
        media_type -> Text,
        size_bytes -> Integer,
        url -> Nullable<Text>,
        upload_key -> Nullable<Text>,
        object_key -> Nullable<Text>,
        thumbnail_key -> Nullable<Text>,
        width_px -> Nullable<Integer>,
        height_px -> Nullable<Integer>,
        thumbnail_type -> Nullable<Text>,
    }
}

diesel::table! {
    messaging.event (conversation_id, seq) {
        conversation_id -> Text,
        seq -> BigInt,
        kind -> Text,
        actor_id -> Text,
        at -> Timestamptz,
        message_id -> Nullable<Text>,
        read_up_to -> Nullable<BigInt>,
        read_several -> Nullable<Bool>,
        salon_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
    }
}

diesel::table! {
    messaging.job (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        created_at -> Timestamptz,
        run_at -> Timestamptz,
        attempts -> Integer,
        dead_at -> Nullable<Timestamptz>,
        last_failure -> Nullable<Text>,
        leased_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging.webhook_token (token) {
        token -> Text,
        taken_at -> Timestamptz,
        is_executed -> Bool,
    }
}

diesel::table! {
    messaging.schedule (name) {
        name -> Text,
        every_ms -> BigInt,
        at_ms -> Nullable<Integer>,
        next_run_at -> Timestamptz,
        job_id -> Nullable<Text>,
    }
}

diesel::table! {
    messaging.appointment_event (id) {
        id -> Text,
        salon_id -> Text,
        client_id -> Text,
        appointment_id -> Text,
        kind -> Text,
        service -> Text,
        starts_at -> Timestamptz,
        previous_starts_at -> Nullable<Timestamptz>,
        client_first_name -> Nullable<Text>,
        zone -> Nullable<Text>,
        wanted_conversation_id -> Nullable<Text>,
        occurred_at -> Timestamptz,
        received_at -> Timestamptz,
        handled_at -> Nullable<Timestamptz>,
        rejected_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging.upload (id) {
        id -> Text,
        owner_id -> Text,
        name -> Text,
        object_key -> Text,
        thumbnail_key -> Text,
        begun_at -> Timestamptz,
        media_type -> Nullable<Text>,
        size_bytes -> Nullable<Integer>,
        width_px -> Nullable<Integer>,
        height_px -> Nullable<Integer>,
        thumbnail_type -> Nullable<Text>,
    }
}

diesel::table! {
    messaging.erasure (person_id) {
        person_id -> Text,
        requested_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        conversations -> BigInt,
        messages -> BigInt,
        files -> BigInt,
        is_replayed -> Bool,
    }
}

diesel::table! {
    messaging.retention_policy (id) {
        id -> SmallInt,
        archive_after_days -> Integer,
        delete_after_days -> Nullable<Integer>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.salon_retention (salon_id) {
        salon_id -> Text,
        archive_after_days -> Nullable<Integer>,
        delete_after_days -> Nullable<Integer>,
        is_held -> Bool,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.held_conversation (conversation_id) {
        conversation_id -> Text,
        held_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.imported (kind, id) {
        kind -> Text,
        id -> Text,
        fingerprint -> Binary,
        last_seq -> Nullable<BigInt>,
        at -> Timestamptz,
    }
}

diesel::table! {
    messaging.import_mark (id) {
        id -> SmallInt,
        source -> Binary,
        stage -> Text,
        after -> Text,
        tally -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    messaging.preference (person_id) {
        person_id -> Text,
        mail_enabled -> Bool,
        frequency -> Text,
        quiet_from_minute -> Nullable<SmallInt>,
        quiet_to_minute -> Nullable<SmallInt>,
        zone -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.muted_conversation (person_id, conversation_id) {
        person_id -> Text,
        conversation_id -> Text,
        muted_at -> Timestamptz,
    }
}

diesel::table! {
    messaging.pending_mail (recipient_id, conversation_id) {
        recipient_id -> Text,
        conversation_id -> Text,
        message_count -> Integer,
        since -> Timestamptz,
        wait_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging.mail_recipient (person_id) {
        person_id -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    messaging.mailed_conversation (person_id, conversation_id) {
        person_id -> Text,
        conversation_id -> Text,
        up_to_seq -> BigInt,
        at -> Timestamptz,
        reply_token -> Text,
    }
}

diesel::table! {
    messaging.mail (id) {
        id -> Text,
        recipient_id -> Text,
        at -> Timestamptz,
        is_closed -> Bool,
    }
}

diesel::table! {
    messaging.mail_conversation (mail_id, position) {
        mail_id -> Text,
        position -> Integer,
        conversation_id -> Text,
        after_seq -> BigInt,
        up_to_seq -> BigInt,
    }
}

diesel::table! {
    messaging.suppressed_address (address, person_id) {
        address -> Text,
        person_id -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    messaging.export (person_id) {
        person_id -> Text,
        object_key -> Text,
        requested_at -> Timestamptz,
        size_bytes -> Nullable<BigInt>,
        ready_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging.audit (id) {
        id -> BigInt,
        at -> Timestamptz,
        actor -> Text,
        person_id -> Nullable<Text>,
        action -> Text,
        subject -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Text, Timestamptz};
    use super::sql_types::Xid8;

    messaging.session_end (person_id) {
        person_id -> Text,
        before -> Timestamptz,
        why -> Text,
        written_by -> Xid8,
    }
}

/// Types of PostgreSQL that diesel does not name.
pub(crate) mod sql_types {
    /// The id of a transaction, with its epoch.
    #[derive(Debug, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "xid8"))]
    pub struct Xid8;
}

diesel::joinable!(message -> conversation (conversation_id));
diesel::joinable!(attachment -> message (message_id));
diesel::joinable!(event -> conversation (conversation_id));
diesel::allow_tables_to_appear_in_same_query!(
    participant,
    conversation,
    message,
    attachment,
    event
);
