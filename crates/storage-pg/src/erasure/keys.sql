-- Takes away at most $2 of the keys under which the person $1, who is to be forgotten, sent what is empty by
-- now. They chose them, so anything may be in them.
UPDATE messaging.message SET client_message_id = NULL
WHERE id = ANY (ARRAY(
    SELECT sent.id
    FROM (
        SELECT id, 'salon' AS side FROM messaging.conversation WHERE salon_id = $1
        UNION ALL
        SELECT id, 'client' FROM messaging.conversation WHERE client_id = $1
    ) AS theirs
    JOIN messaging.message AS sent ON sent.conversation_id = theirs.id AND sent.author_side = theirs.side
    WHERE sent.client_message_id IS NOT NULL AND sent.deleted_at IS NOT NULL
        AND EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1)
    LIMIT $2
))
