-- Messages as both participants see them, with their authors and files. Whether one is read
-- is what the other side's horizon says. What the platform said is the salon's for those who look at it, and
-- waits for nobody.
SELECT
    m.id, m.conversation_id, m.seq, m.kind, m.content, m.notice, m.created_at,
    CASE m.author_side
        WHEN 'salon' THEN m.seq <= c.client_read_seq WHEN 'client' THEN m.seq <= c.salon_read_seq ELSE true
    END AS is_read,
    m.read_at,
    author.id AS author_id, author.role AS author_role, author.first_name AS author_first_name,
    author.last_name AS author_last_name, author.salon_name AS author_salon_name,
    author.image AS author_image, author.email AS author_email,
    author.language AS author_language, author.zone AS author_zone,
    author.is_forgotten AS author_is_forgotten,
    CASE WHEN m.attachment_count > 0 THEN (
        SELECT jsonb_agg(to_jsonb(a) ORDER BY a.position)
        FROM messaging.attachment AS a WHERE a.message_id = m.id
    ) END AS attachments
FROM messaging.message AS m
JOIN messaging.conversation AS c ON c.id = m.conversation_id
JOIN messaging.participant AS author
    ON author.id = CASE m.author_side WHEN 'client' THEN c.client_id ELSE c.salon_id END
WHERE m.deleted_at IS NULL
