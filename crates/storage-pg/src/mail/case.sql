-- What the decision about the mail of `recipient`, who is $1, rests on: the mails since $2, and the $3
-- conversations in which something waits longest, those that were put off beyond $4 behind the others. A
-- message of the other side is untold when it is unread and behind what a mail told of. No row: nothing
-- waits.
, waiting AS (
    SELECT noted.*, told.at AS told_at, news.untold, news.up_to,
        coalesce(news.newest_at, noted.since) AS newest_at
    FROM (
        SELECT conversation_id, since, message_count, coalesce(wait_until > $4, false) AS is_put_off
        FROM messaging.pending_mail
        WHERE recipient_id = $1 ORDER BY is_put_off, since, conversation_id LIMIT $3
    ) AS noted
    LEFT JOIN messaging.told_conversation AS told
        ON told.person_id = $1 AND told.conversation_id = noted.conversation_id
    LEFT JOIN LATERAL (
        SELECT id,
            CASE WHEN salon_id = $1 THEN 'client' ELSE 'salon' END AS writer_side,
            CASE WHEN salon_id = $1 THEN salon_read_seq ELSE client_read_seq END AS read_seq
        FROM messaging.conversation
        WHERE id = noted.conversation_id AND deleted_at IS NULL AND $1 IN (salon_id, client_id)
    ) AS here ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS untold, coalesce(max(seq), 0) AS up_to, max(created_at) AS newest_at
        FROM messaging.message
        WHERE conversation_id = here.id AND author_side = here.writer_side AND deleted_at IS NULL
            AND kind <> 'SYSTEM' AND seq > greatest(here.read_seq, told.up_to_seq)
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
        array_agg(conversation_id ORDER BY is_put_off, since, conversation_id) AS conversation_ids,
        array_agg(since ORDER BY is_put_off, since, conversation_id) AS since,
        array_agg(message_count::bigint ORDER BY is_put_off, since, conversation_id) AS noted,
        array_agg(newest_at ORDER BY is_put_off, since, conversation_id) AS newest_at,
        array_agg(told_at ORDER BY is_put_off, since, conversation_id) AS told_at,
        array_agg(untold ORDER BY is_put_off, since, conversation_id) AS untold,
        array_agg(up_to ORDER BY is_put_off, since, conversation_id) AS up_to
    FROM waiting
) AS lists
WHERE lists.conversation_ids IS NOT NULL
