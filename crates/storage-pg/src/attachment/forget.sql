-- Takes the files of `picked` away, and enters the jobs that delete their bytes, at $1. `files` counts those
-- that can be deleted: of a file of the upload service without a key nobody knows what to ask for.
, gone AS (
    DELETE FROM messaging.attachment WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING object_key, thumbnail_key, upload_key
), needed AS (
    SELECT DISTINCT kind, subject
    FROM gone CROSS JOIN LATERAL (VALUES
        ('delete_object', object_key), ('delete_object', thumbnail_key), ('delete_hosted_file', upload_key)
    ) AS tasks (kind, subject)
    WHERE subject IS NOT NULL
), entered AS (
    SELECT messaging.enqueue_job(kind, subject, $1) FROM needed
)
SELECT
    (SELECT count(*) FROM gone WHERE coalesce(object_key, upload_key) IS NOT NULL) AS files,
    (SELECT count(*) FROM entered) AS jobs
