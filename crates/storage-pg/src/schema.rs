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
        url -> Text,
        media_type -> Text,
        size_bytes -> Integer,
        upload_key -> Nullable<Text>,
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
        read_message_ids -> Nullable<Array<Nullable<Text>>>,
    }
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
