-- What people get of their data, and what is on record of what was done about data.

-- A person's archive, or the wish for one. Whoever is forgotten has none.
CREATE TABLE messaging.export (
    person_id messaging.id PRIMARY KEY,
    object_key text COLLATE "C" NOT NULL,
    requested_at timestamptz(3) NOT NULL,
    size_bytes bigint CONSTRAINT export_size CHECK (size_bytes > 0),
    ready_at timestamptz(3),
    expires_at timestamptz(3),
    CONSTRAINT export_is_ready_wholly CHECK (num_nulls(size_bytes, ready_at, expires_at) IN (0, 3))
);

-- Who did what to whom, and when: ids and words of ours, nothing that anybody wrote. Entries are added
-- and never changed.
CREATE TABLE messaging.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz(3) NOT NULL,
    actor text NOT NULL CONSTRAINT audit_actor CHECK (actor IN ('service', 'operator', 'person')),
    person_id text COLLATE "C",
    deed text NOT NULL CONSTRAINT audit_deed CHECK (deed ~ '^[a-z_]{1,64}$'),
    subject text COLLATE "C" NOT NULL CONSTRAINT audit_subject CHECK (length(subject) <= 64),
    CONSTRAINT audit_person CHECK ((actor = 'person') = (person_id IS NOT NULL))
);

-- Who is on record for the end of an erasure: whoever asked for it.
ALTER TABLE messaging.erasure ADD COLUMN is_replayed boolean NOT NULL DEFAULT false;

CREATE FUNCTION messaging.keep_the_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of what was done is added to and never changed';
END
$$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON messaging.audit
    FOR EACH ROW EXECUTE FUNCTION messaging.keep_the_record();

-- Whoever changes how long things are kept is on record, by whatever road the change comes. The first
-- argument is the deed, the second the column that says whose it is.
CREATE FUNCTION messaging.note_change_of_keeping() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_row jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    INSERT INTO messaging.audit (at, actor, deed, subject)
    VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN now()
            ELSE coalesce(v_row ->> 'updated_at', v_row ->> 'held_at')::timestamptz END,
        'service', TG_ARGV[0], coalesce(v_row ->> TG_ARGV[1], '')
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER policy_on_record AFTER INSERT OR UPDATE OR DELETE ON messaging.retention_policy
    FOR EACH ROW EXECUTE FUNCTION messaging.note_change_of_keeping('policy_changed', '');
CREATE TRIGGER salon_on_record AFTER INSERT OR UPDATE OR DELETE ON messaging.salon_retention
    FOR EACH ROW EXECUTE FUNCTION messaging.note_change_of_keeping('policy_changed', 'salon_id');
CREATE TRIGGER hold_on_record AFTER INSERT ON messaging.held_conversation
    FOR EACH ROW EXECUTE FUNCTION messaging.note_change_of_keeping('held', 'conversation_id');
CREATE TRIGGER release_on_record AFTER DELETE ON messaging.held_conversation
    FOR EACH ROW EXECUTE FUNCTION messaging.note_change_of_keeping('released', 'conversation_id');
