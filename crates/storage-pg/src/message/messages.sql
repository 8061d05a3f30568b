-- With the author, and whether the message is read, which the other side's horizon says. What the
-- platform said is the salon's for those who look at it, and waits for nobody.
    m.conversation_id,
    CASE m.author_side
        WHEN 'salon' THEN m.seq <= c.client_read_seq WHEN 'client' THEN m.seq <= c.salon_read_seq ELSE true
    END AS is_read,
    author.id AS author_id, author.role AS author_role, author.first_name AS author_first_name,
    author.last_name AS author_last_name, author.salon_name AS author_salon_name,
    author.image AS author_image, author.email AS author_email,
    author.language AS author_language, author.zone AS author_zone,
    author.is_forgotten AS author_is_forgotten
FROM messaging.message AS m
JOIN messaging.conversation AS c ON c.id = m.conversation_id
JOIN messaging.participant AS author
    ON author.id = CASE m.author_side WHEN 'client' THEN c.client_id ELSE c.salon_id END
WHERE m.deleted_at IS NULL
