-- {messages} messages in conversations of twenty, at 2026-01-05T09:30:00Z. Of four conversations one is
-- young, one is due to be put away, one is due to be emptied, and one was put away a short while ago.
INSERT INTO messaging.participant (id, role, first_name, created_at, updated_at)
SELECT 's' || n, 'user_salon', 'Encre', '2020-01-01Z'::timestamptz, '2020-01-01Z'::timestamptz FROM generate_series(0, 199) AS n
UNION ALL
SELECT 'c' || n, 'client', 'Camille', '2020-01-01Z'::timestamptz, '2020-01-01Z'::timestamptz FROM generate_series(0, 4999) AS n;

CREATE TEMP TABLE plan AS
SELECT c, 't' || lpad(c::text, 8, '0') AS id, 's' || c % 200 AS salon_id, 'c' || c % 5000 AS client_id,
    CASE WHEN (c / 200) % 4 < 2 THEN 'ACTIVE' ELSE 'ARCHIVED' END AS status,
    '2026-01-05T09:30:00Z'::timestamptz - interval '1 day'
        * CASE (c / 200) % 4 WHEN 0 THEN 10 WHEN 1 THEN 100 + c % 200 WHEN 2 THEN 200 + c % 200 ELSE 130 END
        AS last_at,
    '2026-01-05T09:30:00Z'::timestamptz - interval '1 day'
        * CASE (c / 200) % 4 WHEN 0 THEN 10 WHEN 1 THEN 100 + c % 200 WHEN 2 THEN 60 ELSE 20 END
        AS updated_at,
    CASE WHEN c % 5 = 0 THEN 15 ELSE 21 END AS salon_read_seq,
    CASE WHEN c % 7 = 0 THEN 10 ELSE 21 END AS client_read_seq
FROM generate_series(0, {messages} / 20 - 1) AS c;

INSERT INTO messaging.conversation (id, salon_id, client_id, status, created_at, updated_at, last_message_at,
    last_seq, salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count,
    unread_by_salon, unread_by_client)
SELECT id, salon_id, client_id, status, last_at - interval '1 hour', updated_at, last_at,
    21, salon_read_seq, client_read_seq, 20, 21, 20,
    CASE salon_read_seq WHEN 15 THEN 3 ELSE 0 END, CASE client_read_seq WHEN 10 THEN 5 ELSE 0 END
FROM plan;

INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, attachment_count,
    created_at, read_at)
SELECT id || '-' || i, id, i + 1, CASE i % 2 WHEN 1 THEN 'salon' ELSE 'client' END, 'TEXT',
    'Bonjour, je voudrais venir samedi vers quatorze heures, est-ce que cela vous convient ?',
    CASE WHEN i = 20 AND c % 10 = 0 THEN 1 ELSE 0 END, last_at - (20 - i) * interval '1 minute',
    CASE WHEN i + 1 <= CASE i % 2 WHEN 1 THEN client_read_seq ELSE salon_read_seq END THEN last_at END
FROM plan CROSS JOIN generate_series(1, 20) AS i;

INSERT INTO messaging.attachment (id, message_id, position, name, url, media_type, size_bytes, upload_key)
SELECT id || '-a', id || '-20', 1, 'photo.webp', 'https://utfs.io/f/' || id, 'image/webp', 1000,
    CASE WHEN c % 20 = 0 THEN id END
FROM plan WHERE c % 10 = 0;

INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
SELECT id, 1, 'conversation_opened', salon_id, last_at - interval '1 hour', NULL FROM plan
UNION ALL
SELECT id, i + 1, 'message_posted', CASE i % 2 WHEN 1 THEN salon_id ELSE client_id END,
    last_at - (20 - i) * interval '1 minute', id || '-' || i
FROM plan CROSS JOIN generate_series(1, 20) AS i;

INSERT INTO messaging.salon_retention (salon_id, archive_after_days, delete_after_days, is_held, updated_at)
VALUES ('s7', 400, NULL, false, '2026-01-01Z'), ('s8', NULL, NULL, true, '2026-01-01Z'),
    ('s9', 150, 60, false, '2026-01-01Z');
INSERT INTO messaging.held_conversation (conversation_id, held_at)
SELECT id, '2026-01-01Z'::timestamptz FROM plan WHERE c % 97 = 1;
