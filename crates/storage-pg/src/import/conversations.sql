INSERT INTO messaging.conversation
    (id, salon_id, client_id, appointment_id, subject, status, created_at, updated_at, last_message_at,
     last_seq, salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count,
     unread_by_salon, unread_by_client)
SELECT incoming.*
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
    $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[]) AS incoming
ON CONFLICT (id) DO UPDATE SET
    appointment_id = excluded.appointment_id,
    subject = excluded.subject,
    status = excluded.status,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    last_message_at = excluded.last_message_at,
    last_seq = excluded.last_seq,
    salon_read_seq = excluded.salon_read_seq,
    client_read_seq = excluded.client_read_seq,
    salon_message_seq = excluded.salon_message_seq,
    client_message_seq = excluded.client_message_seq,
    message_count = excluded.message_count,
    unread_by_salon = excluded.unread_by_salon,
    unread_by_client = excluded.unread_by_client
