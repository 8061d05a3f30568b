CREATE TEMPORARY TABLE decoy AS
WITH used AS (
    SELECT kept.oid::regclass AS place, kept.relnamespace AS schema, col.attname AS name
    FROM pg_class AS kept JOIN pg_attribute AS col ON col.attrelid = kept.oid
    WHERE kept.relkind = 'r' AND col.attnum > 0 AND NOT col.attisdropped AND (
        kept.relnamespace = 'public'::regnamespace
        OR kept.relnamespace = 'messaging'::regnamespace AND kept.relname IN (
            'participant', 'conversation', 'message', 'attachment', 'imported', 'import_mark', 'preference',
            'muted_conversation', 'pending_mail', 'erasure'
        )
    )
)
SELECT places.place, names.name
FROM (SELECT DISTINCT used.place, used.schema FROM used) AS places
JOIN (SELECT DISTINCT used.name, used.schema FROM used) AS names ON names.schema = places.schema
EXCEPT SELECT used.place, used.name FROM used;
DO $$ BEGIN
    EXECUTE (SELECT string_agg(format('ALTER TABLE %s ADD COLUMN %I text', place, name), ';') FROM decoy);
END $$;
