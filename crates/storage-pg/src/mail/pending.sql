-- What the decision about the mail of `recipient`, who is $1, is based on: the mails since $2, and the $3
-- conversations that have been pending longest, those that are deferred beyond $4 after the others. A
-- message of the other side is unmailed when it is unread and after what was mailed. No row: nothing is
-- pending.
, pending AS (
    SELECT noted.*, mailed.at AS last_mailed_at, news.unmailed, news.up_to,
        coalesce(news.newest_at, noted.since) AS newest_at
    FROM (
        SELECT conversation_id, since, message_count, coalesce(wait_until > $4, false) AS is_deferred
        FROM messaging.pending_mail
        WHERE recipient_id = $1 ORDER BY is_deferred, since, conversation_id LIMIT $3
    ) AS noted
    LEFT JOIN messaging.mailed_conversation AS mailed
        ON mailed.person_id = $1 AND mailed.conversation_id = noted.conversation_id
    LEFT JOIN LATERAL (
        SELECT id,
            CASE WHEN salon_id = $1 THEN 'client' ELSE 'salon' END AS writer_side,
            CASE WHEN salon_id = $1 THEN salon_read_seq ELSE client_read_seq END AS read_seq
        FROM messaging.conversation
        WHERE id = noted.conversation_id AND deleted_at IS NULL AND $1 IN (salon_id, client_id)
    ) AS here ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS unmailed, coalesce(max(seq), 0) AS up_to, max(created_at) AS newest_at
        FROM messaging.message
        WHERE conversation_id = here.id AND author_side = here.writer_side AND deleted_at IS NULL
            AND kind <> 'SYSTEM' AND seq > greatest(here.read_seq, mailed.up_to_seq)
    ) AS news
)
SELECT recipient.*, lists.*,
    coalesce((SELECT version FROM messaging.mail_recipient WHERE person_id = $1), 0) AS version,
    ARRAY(
        SELECT at FROM messaging.mail WHERE recipient_id = $1 AND at > $2 ORDER BY at DESC
    ) AS recent_mails
FROM recipient
CROSS JOIN (
    SELECT
        array_agg(conversation_id ORDER BY is_deferred, since, conversation_id) AS conversation_ids,
        array_agg(since ORDER BY is_deferred, since, conversation_id) AS since,
        array_agg(message_count::bigint ORDER BY is_deferred, since, conversation_id) AS noted,
        array_agg(newest_at ORDER BY is_deferred, since, conversation_id) AS newest_at,
        array_agg(last_mailed_at ORDER BY is_deferred, since, conversation_id) AS last_mailed_at,
        array_agg(unmailed ORDER BY is_deferred, since, conversation_id) AS unmailed,
        array_agg(up_to ORDER BY is_deferred, since, conversation_id) AS up_to
    FROM pending
) AS lists
WHERE lists.conversation_ids IS NOT NULL
