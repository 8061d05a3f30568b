-- Takes the uploads of `picked` away, and enters the jobs that delete their bytes, at $1.
, gone AS (
    DELETE FROM messaging.upload WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING object_key, thumbnail_key
), entered AS (
    SELECT messaging.enqueue_job('delete_object', key, $1)
    FROM gone CROSS JOIN LATERAL (VALUES (object_key), (thumbnail_key)) AS forms (key)
)
SELECT (SELECT count(*) FROM gone) AS uploads, (SELECT count(*) FROM entered) AS jobs
