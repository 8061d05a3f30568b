-- Messages as both participants see them, with whoever wrote them and their files. Whether one is read
-- is what the other side's horizon says.
SELECT
    m.id, m.conversation_id, m.seq, m.kind, m.content, m.notice, m.created_at,
    m.seq <= CASE m.author_side WHEN 'salon' THEN c.client_read_seq ELSE c.salon_read_seq END AS is_read,
    m.read_at,
    author.id AS author_id, author.role AS author_role, author.first_name AS author_first_name,
    author.last_name AS author_last_name, author.salon_name AS author_salon_name,
    author.image AS author_image, author.email AS author_email,
    author.language AS author_language, author.zone AS author_zone,
    CASE WHEN m.attachment_count > 0 THEN (
        SELECT jsonb_agg(to_jsonb(a) ORDER BY a.position)
        FROM messaging.attachment AS a WHERE a.message_id = m.id
    ) END AS attachments
FROM messaging.message AS m
JOIN messaging.conversation AS c ON c.id = m.conversation_id
JOIN messaging.participant AS author
    ON author.id = CASE m.author_side WHEN 'salon' THEN c.salon_id ELSE c.client_id END
WHERE m.deleted_at IS NULL
