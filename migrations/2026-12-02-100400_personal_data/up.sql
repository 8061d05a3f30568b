-- Erasures, archives of personal data, and the record of both.

-- An erasure: times and counts. A person in here is never entered in the directory again.
CREATE TABLE messaging.erasure (
    person_id messaging.id PRIMARY KEY,
    requested_at timestamptz(3) NOT NULL,
    finished_at timestamptz(3),
    conversations bigint NOT NULL DEFAULT 0,
    messages bigint NOT NULL DEFAULT 0,
    files bigint NOT NULL DEFAULT 0,
    -- It was requested by an operator after a restore; the audit names whoever requested it.
    is_replayed boolean NOT NULL DEFAULT false,
    CONSTRAINT erasure_counts CHECK (least(conversations, messages, files) >= 0)
);

-- A person's archive, or the request for one. A forgotten person has none.
CREATE TABLE messaging.export (
    person_id messaging.id PRIMARY KEY,
    object_key text COLLATE "C" NOT NULL,
    requested_at timestamptz(3) NOT NULL,
    size_bytes bigint CONSTRAINT export_size CHECK (size_bytes > 0),
    ready_at timestamptz(3),
    expires_at timestamptz(3),
    CONSTRAINT export_is_ready_wholly CHECK (num_nulls(size_bytes, ready_at, expires_at) IN (0, 3))
);

-- Who did what to whom, and when: ids and fixed words, nothing that anybody wrote. Append only.
CREATE TABLE messaging.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz(3) NOT NULL,
    actor text NOT NULL CONSTRAINT audit_actor CHECK (actor IN ('service', 'operator', 'person')),
    person_id text COLLATE "C",
    action text NOT NULL CONSTRAINT audit_action CHECK (action ~ '^[a-z_]{1,64}$'),
    subject text COLLATE "C" NOT NULL CONSTRAINT audit_subject CHECK (length(subject) <= 64),
    CONSTRAINT audit_person CHECK ((actor = 'person') = (person_id IS NOT NULL))
);

CREATE FUNCTION messaging.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is appended to and never changed';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON messaging.audit
    FOR EACH ROW EXECUTE FUNCTION messaging.refuse_audit_change();

-- Every change of retention is audited, however it is made. The first argument is the action, the second
-- one the column that says what it is about.
CREATE FUNCTION messaging.audit_retention_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_row jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    INSERT INTO messaging.audit (at, actor, action, subject)
    VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN now()
            ELSE coalesce(v_row ->> 'updated_at', v_row ->> 'held_at')::timestamptz END,
        'service', TG_ARGV[0], coalesce(v_row ->> TG_ARGV[1], '')
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER policy_is_audited AFTER INSERT OR UPDATE OR DELETE ON messaging.retention_policy
    FOR EACH ROW EXECUTE FUNCTION messaging.audit_retention_change('policy_changed', '');
CREATE TRIGGER salon_is_audited AFTER INSERT OR UPDATE OR DELETE ON messaging.salon_retention
    FOR EACH ROW EXECUTE FUNCTION messaging.audit_retention_change('policy_changed', 'salon_id');
CREATE TRIGGER hold_is_audited AFTER INSERT ON messaging.held_conversation
    FOR EACH ROW EXECUTE FUNCTION messaging.audit_retention_change('held', 'conversation_id');
CREATE TRIGGER release_is_audited AFTER DELETE ON messaging.held_conversation
    FOR EACH ROW EXECUTE FUNCTION messaging.audit_retention_change('released', 'conversation_id');
