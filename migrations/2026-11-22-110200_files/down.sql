-- Kept pictures go with the tables that know them: an attachment without an address has no place left.
DROP FUNCTION messaging.begin_upload;
ALTER TABLE messaging.attachment DROP CONSTRAINT attachment_is_in_one_place;
WITH gone AS (
    DELETE FROM messaging.attachment WHERE url IS NULL RETURNING message_id
), counted AS (
    SELECT message_id, count(*) AS files FROM gone GROUP BY message_id
)
UPDATE messaging.message AS m SET
    attachment_count = attachment_count - counted.files,
    content = CASE WHEN m.content = '' AND m.attachment_count = counted.files THEN '(image)' ELSE m.content END
FROM counted WHERE m.id = counted.message_id;
ALTER TABLE messaging.attachment
    DROP COLUMN object_key,
    DROP COLUMN thumbnail_key,
    DROP COLUMN width_px,
    DROP COLUMN height_px,
    DROP COLUMN thumbnail_type,
    ALTER COLUMN url SET NOT NULL;
DROP TABLE messaging.upload;
DROP DOMAIN messaging.object_key;
