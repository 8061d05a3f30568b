DROP FUNCTION messaging.empty_aged(text, timestamptz, timestamptz, integer, timestamptz);
DROP FUNCTION messaging.archive_for_age(text, timestamptz, text, text, jsonb, timestamptz);
DROP FUNCTION messaging.is_held(text, text);
DELETE FROM messaging.job WHERE kind IN ('archive_aged', 'empty_aged', 'trim_log');
DELETE FROM messaging.schedule WHERE at_ms IS NOT NULL;
ALTER TABLE messaging.schedule DROP COLUMN at_ms;
DROP TABLE messaging.held_conversation;
DROP TABLE messaging.salon_retention;
DROP TABLE messaging.retention_policy;

-- There is no place any more for what neither side said.
WITH gone AS (
    DELETE FROM messaging.message WHERE author_side = 'house' RETURNING conversation_id, deleted_at
), counted AS (
    SELECT conversation_id, count(*) FILTER (WHERE deleted_at IS NULL) AS messages FROM gone GROUP BY 1
)
UPDATE messaging.conversation AS c SET message_count = c.message_count - counted.messages
FROM counted WHERE c.id = counted.conversation_id;
ALTER DOMAIN messaging.side DROP CONSTRAINT side_word;
ALTER DOMAIN messaging.side ADD CONSTRAINT side_word CHECK (value IN ('salon', 'client'));
