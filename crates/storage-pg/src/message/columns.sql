-- What a message itself says, without its author; `row.rs` reads the columns in this order. Most
-- messages have no file, and cause no search for any.
SELECT
    m.id, m.seq, m.kind, m.content, m.notice, m.created_at, m.read_at,
    CASE WHEN m.attachment_count > 0 THEN (
        SELECT jsonb_agg(to_jsonb(a) ORDER BY a.position)
        FROM messaging.attachment AS a WHERE a.message_id = m.id
    ) END AS attachments,
