-- Pictures that we keep ourselves (D16). An upload becomes an attachment of the same id when it is sent.

-- What we call an object in the place where bytes are kept.
CREATE DOMAIN messaging.object_key AS text COLLATE "C"
    CONSTRAINT object_key_form CHECK (value ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$' AND octet_length(value) <= 128);

CREATE TABLE messaging.upload (
    id messaging.id PRIMARY KEY,
    -- Whoever shows a token may upload, so this need not be in the directory.
    owner_id messaging.id NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    object_key messaging.object_key NOT NULL,
    thumbnail_key messaging.object_key NOT NULL,
    begun_at timestamptz(3) NOT NULL,
    -- What was read from the bytes, when they were kept.
    media_type text CHECK (media_type ~ '^image/[a-z]{1,16}$'),
    size_bytes integer CHECK (size_bytes BETWEEN 1 AND 10485760),
    width_px integer CHECK (width_px > 0),
    height_px integer CHECK (height_px > 0),
    thumbnail_type text CHECK (thumbnail_type ~ '^image/[a-z]{1,16}$'),
    CONSTRAINT upload_is_kept_or_not
        CHECK (num_nonnulls(media_type, size_bytes, width_px, height_px, thumbnail_type) IN (0, 5))
);
CREATE INDEX upload_of_owner ON messaging.upload (owner_id);
CREATE INDEX upload_by_time ON messaging.upload (begun_at);

-- A file lies with the upload service or with us. The form of names was checked with the upload; a
-- column with a check of its own would have the table written anew.
ALTER TABLE messaging.attachment
    ALTER COLUMN url DROP NOT NULL,
    ADD COLUMN object_key text COLLATE "C",
    ADD COLUMN thumbnail_key text COLLATE "C",
    ADD COLUMN width_px integer,
    ADD COLUMN height_px integer,
    ADD COLUMN thumbnail_type text,
    ADD CONSTRAINT attachment_is_in_one_place CHECK (CASE WHEN url IS NULL
        THEN upload_key IS NULL AND num_nonnulls(object_key, thumbnail_key, width_px, height_px, thumbnail_type) = 5
        ELSE num_nonnulls(object_key, thumbnail_key, width_px, height_px, thumbnail_type) = 0
    END) NOT VALID;

-- Notes an upload, unless its owner has `p_unsent_max` that were not sent. Of several at the same
-- moment one counts after the other.
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
