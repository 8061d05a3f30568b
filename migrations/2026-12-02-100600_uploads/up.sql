-- Inserts an upload, unless its owner has `p_unsent_max` that were not sent. Calls for one owner are
-- counted one after the other.
CREATE FUNCTION messaging.begin_upload(
    p_id text, p_owner text, p_name text, p_object_key text, p_thumbnail_key text, p_unsent_max bigint,
    p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('upload ' || p_owner, 0));
    IF (SELECT count(*) FROM messaging.upload WHERE owner_id = p_owner) >= p_unsent_max THEN
        RETURN false;
    END IF;
    INSERT INTO messaging.upload (id, owner_id, name, object_key, thumbnail_key, begun_at)
    VALUES (p_id, p_owner, p_name, p_object_key, p_thumbnail_key, p_at);
    RETURN true;
END
$$;
