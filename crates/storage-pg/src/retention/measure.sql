-- How many messages of either side there are in the conversations $1, and how many files of them that
-- can be deleted.
SELECT
    (
        SELECT count(*) FROM messaging.message
        WHERE conversation_id = ANY ($1) AND author_side <> 'platform' AND deleted_at IS NULL
    ) AS messages,
    (
        SELECT count(*)
        FROM messaging.message AS m
        JOIN messaging.attachment AS file ON file.message_id = m.id
        WHERE m.conversation_id = ANY ($1) AND m.attachment_count > 0 AND m.deleted_at IS NULL
            AND coalesce(file.object_key, file.upload_key) IS NOT NULL
    ) AS files
