-- Mail (D15): preferences, what is pending, what was mailed, and the mails themselves.

-- A person's mail preferences. Without a row: the defaults.
CREATE TABLE messaging.preference (
    person_id messaging.id PRIMARY KEY REFERENCES messaging.participant (id) ON DELETE CASCADE,
    mail_enabled boolean NOT NULL,
    frequency text NOT NULL CONSTRAINT preference_frequency_word
        CHECK (frequency IN ('IMMEDIATE', 'HOURLY', 'DAILY', 'NEVER')),
    -- Quiet hours in minutes after midnight, in the person's time zone.
    quiet_from_minute smallint,
    quiet_to_minute smallint,
    zone text CONSTRAINT preference_zone_length CHECK (char_length(zone) BETWEEN 1 AND 64),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL,
    CONSTRAINT preference_quiet_hours CHECK (
        (quiet_from_minute IS NULL) = (quiet_to_minute IS NULL) AND quiet_from_minute <> quiet_to_minute
        AND least(quiet_from_minute, quiet_to_minute) >= 0
        AND greatest(quiet_from_minute, quiet_to_minute) < 1440
    )
);

-- The conversations about which a person wants no mail. A row each, so that two changes at the same
-- moment lose none.
CREATE TABLE messaging.muted_conversation (
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL REFERENCES messaging.conversation (id) ON DELETE CASCADE,
    muted_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, conversation_id)
);
CREATE INDEX muted_conversation_by_conversation ON messaging.muted_conversation (conversation_id);

-- A recipient may have to be mailed about a conversation. Whether they are is decided when it is due.
--
-- A row is written by whoever posts, under the lock of the conversation. So nothing here is a foreign key,
-- which would take that lock again, and one on the salon for each of its conversations. Further messages
-- only raise the count: no index changes, and the page has room for it.
CREATE TABLE messaging.pending_mail (
    recipient_id text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    message_count integer NOT NULL CONSTRAINT pending_mail_is_about_something CHECK (message_count > 0),
    since timestamptz(3) NOT NULL,
    -- NULL: it is due a fixed time after `since`.
    wait_until timestamptz(3),
    PRIMARY KEY (recipient_id, conversation_id)
) WITH (fillfactor = 75);
CREATE INDEX pending_mail_new ON messaging.pending_mail (since) WHERE wait_until IS NULL;
CREATE INDEX pending_mail_deferred ON messaging.pending_mail (wait_until) WHERE wait_until IS NOT NULL;

-- How often a person's mail was decided on. Of two decisions at the same moment the second one finds
-- another version.
CREATE TABLE messaging.mail_recipient (
    person_id text COLLATE "C" PRIMARY KEY REFERENCES messaging.participant (id) ON DELETE CASCADE,
    version bigint NOT NULL
);

-- Up to which position a person was mailed about a conversation, and the token that stands for both in
-- the address of a reply. Nobody can guess it, and it stays known after the conversation was deleted.
CREATE TABLE messaging.mailed_conversation (
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL,
    up_to_seq bigint NOT NULL,
    at timestamptz(3) NOT NULL,
    reply_token text COLLATE "C" NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '')
        CONSTRAINT mailed_conversation_token UNIQUE,
    PRIMARY KEY (person_id, conversation_id)
);

-- A mail that was decided on. Its content is read when it is sent; a closed one only counts among the
-- latest of its recipient.
CREATE TABLE messaging.mail (
    id messaging.id PRIMARY KEY,
    recipient_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    at timestamptz(3) NOT NULL,
    is_closed boolean NOT NULL DEFAULT false
);
CREATE INDEX mail_of_recipient ON messaging.mail (recipient_id, at);

-- A conversation in an open mail: the messages after one position of it, up to another.
CREATE TABLE messaging.mail_conversation (
    mail_id text COLLATE "C" NOT NULL REFERENCES messaging.mail (id) ON DELETE CASCADE,
    position integer NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    after_seq bigint NOT NULL,
    up_to_seq bigint NOT NULL,
    PRIMARY KEY (mail_id, position)
);

-- Addresses that get no more mail, each with everybody who had it then, so that it is deleted with the
-- last of them.
CREATE TABLE messaging.suppressed_address (
    address text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (address, person_id)
);
CREATE INDEX suppressed_address_of_person ON messaging.suppressed_address (person_id);

-- Mutes a conversation, unless the person takes no part in it or has muted `p_muted_max` others. One
-- transaction at a time changes the preferences of a person, so the count is right.
CREATE FUNCTION messaging.mute_conversation(
    p_person text, p_conversation text, p_muted_max integer, p_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM messaging.conversation
        WHERE id = p_conversation AND deleted_at IS NULL AND p_person IN (salon_id, client_id)
    ) THEN
        RETURN 'unknown_conversation';
    END IF;
    INSERT INTO messaging.preference (person_id, mail_enabled, frequency, created_at, updated_at)
    VALUES (p_person, true, 'IMMEDIATE', p_at, p_at) ON CONFLICT (person_id) DO NOTHING;
    PERFORM FROM messaging.preference WHERE person_id = p_person FOR UPDATE;
    IF EXISTS (
        SELECT FROM messaging.muted_conversation
        WHERE person_id = p_person AND conversation_id = p_conversation
    ) THEN
        RETURN 'muted';
    END IF;
    IF p_muted_max <= (
        SELECT count(*) FROM messaging.muted_conversation AS muted
        JOIN messaging.conversation AS here ON here.id = muted.conversation_id AND here.deleted_at IS NULL
        WHERE muted.person_id = p_person
    ) THEN
        RETURN 'too_many';
    END IF;
    INSERT INTO messaging.muted_conversation (person_id, conversation_id, muted_at)
    VALUES (p_person, p_conversation, p_at);
    UPDATE messaging.preference SET updated_at = p_at WHERE person_id = p_person;
    RETURN 'muted';
END
$$;

-- Carries out what was decided about a person's mail at version `p_version`: some conversations are
-- deferred until a moment; some are pending no more, unless a message came since (`p_done_count` is not
-- their count any more); and some of the latter are sent, up to a position each, in one mail with the job
-- that sends it. False, and nothing is changed: somebody else decided meanwhile.
CREATE FUNCTION messaging.settle_mail(
    p_person text, p_version bigint, p_mail text, p_at timestamptz, p_recent_since timestamptz,
    p_defer text[], p_defer_until timestamptz[],
    p_done text[], p_done_count bigint[],
    p_send text[], p_send_up_to bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_version = 0 THEN
        INSERT INTO messaging.mail_recipient (person_id, version) VALUES (p_person, 1)
        ON CONFLICT (person_id) DO NOTHING;
    ELSE
        UPDATE messaging.mail_recipient SET version = version + 1
        WHERE person_id = p_person AND version = p_version;
    END IF;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    -- Whoever posts at this moment finishes first, whoever posts later waits: a count is compared once.
    PERFORM FROM messaging.pending_mail
    WHERE recipient_id = p_person AND conversation_id = ANY (p_defer || p_done)
    ORDER BY conversation_id FOR UPDATE;
    UPDATE messaging.pending_mail AS pending SET wait_until = deferred.until
    FROM unnest(p_defer, p_defer_until) AS deferred (conversation_id, until)
    WHERE pending.recipient_id = p_person AND pending.conversation_id = deferred.conversation_id;
    DELETE FROM messaging.pending_mail AS pending
    USING unnest(p_done, p_done_count) AS done (conversation_id, message_count)
    WHERE pending.recipient_id = p_person AND pending.conversation_id = done.conversation_id
        AND pending.message_count = done.message_count;
    UPDATE messaging.pending_mail AS pending SET
        message_count = greatest(pending.message_count - done.message_count, 1), since = p_at, wait_until = NULL
    FROM unnest(p_done, p_done_count) AS done (conversation_id, message_count)
    WHERE pending.recipient_id = p_person AND pending.conversation_id = done.conversation_id;

    DELETE FROM messaging.mail WHERE recipient_id = p_person AND is_closed AND at <= p_recent_since;
    IF cardinality(p_send) > 0 THEN
        INSERT INTO messaging.mail (id, recipient_id, at) VALUES (p_mail, p_person, p_at);
        INSERT INTO messaging.mail_conversation (mail_id, position, conversation_id, after_seq, up_to_seq)
        SELECT p_mail, part.position, part.conversation_id, coalesce(mailed.up_to_seq, 0), part.up_to_seq
        FROM unnest(p_send, p_send_up_to) WITH ORDINALITY AS part (conversation_id, up_to_seq, position)
        LEFT JOIN messaging.mailed_conversation AS mailed
            ON mailed.person_id = p_person AND mailed.conversation_id = part.conversation_id;
        INSERT INTO messaging.mailed_conversation AS mailed (person_id, conversation_id, up_to_seq, at)
        SELECT p_person, part.conversation_id, part.up_to_seq, p_at
        FROM unnest(p_send, p_send_up_to) AS part (conversation_id, up_to_seq)
        ON CONFLICT (person_id, conversation_id) DO UPDATE SET
            up_to_seq = greatest(mailed.up_to_seq, excluded.up_to_seq), at = excluded.at;
        PERFORM messaging.enqueue_job('send_mail', p_mail, p_at);
    END IF;
    RETURN true;
END
$$;
