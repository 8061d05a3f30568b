-- The content of the open mail $1 now: for each of its conversations the messages that it is to mail and
-- that are still unread, with the newest $2 of them. A conversation without any has no row.
SELECT part.conversation_id, here.subject, mailed.reply_token,
    writer.id AS writer_id, writer.role AS writer_role, writer.first_name AS writer_first_name,
    writer.last_name AS writer_last_name, writer.salon_name AS writer_salon_name,
    writer.image AS writer_image, writer.email AS writer_email,
    writer.language AS writer_language, writer.zone AS writer_zone, writer.is_forgotten AS writer_is_forgotten,
    news.messages, quotes.words, quotes.files, quotes.posted_at
FROM messaging.mail AS mail
JOIN messaging.mail_conversation AS part ON part.mail_id = mail.id
JOIN messaging.mailed_conversation AS mailed
    ON mailed.person_id = mail.recipient_id AND mailed.conversation_id = part.conversation_id
CROSS JOIN LATERAL (
    SELECT id, subject,
        CASE WHEN salon_id = mail.recipient_id THEN client_id ELSE salon_id END AS writer_id,
        CASE WHEN salon_id = mail.recipient_id THEN 'client' ELSE 'salon' END AS writer_side,
        greatest(
            CASE WHEN salon_id = mail.recipient_id THEN salon_read_seq ELSE client_read_seq END,
            part.after_seq
        ) AS after_seq
    FROM messaging.conversation
    WHERE id = part.conversation_id AND deleted_at IS NULL
        AND mail.recipient_id IN (salon_id, client_id)
) AS here
JOIN messaging.participant AS writer ON writer.id = here.writer_id
CROSS JOIN LATERAL (
    SELECT count(*) AS messages FROM messaging.message
    WHERE conversation_id = here.id AND author_side = here.writer_side AND deleted_at IS NULL
        AND kind <> 'SYSTEM' AND seq > here.after_seq AND seq <= part.up_to_seq
) AS news
CROSS JOIN LATERAL (
    SELECT
        array_agg(content ORDER BY seq DESC) AS words,
        array_agg(attachment_count ORDER BY seq DESC) AS files,
        array_agg(created_at ORDER BY seq DESC) AS posted_at
    FROM (
        SELECT seq, content::text, attachment_count::integer, created_at FROM messaging.message
        WHERE conversation_id = here.id AND author_side = here.writer_side AND deleted_at IS NULL
            AND kind <> 'SYSTEM' AND seq > here.after_seq AND seq <= part.up_to_seq
        ORDER BY seq DESC LIMIT $2
    ) AS newest
) AS quotes
WHERE mail.id = $1 AND NOT mail.is_closed AND news.messages > 0
ORDER BY part.position
