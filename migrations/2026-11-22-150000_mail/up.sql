-- Mail (D15): what people want of it, what waits to be told, what was told, and the mails themselves.

-- Quiet hours in minutes after midnight, by the person's clock.
ALTER TABLE messaging.preference
    ADD COLUMN quiet_from_minute smallint,
    ADD COLUMN quiet_to_minute smallint,
    ADD COLUMN zone text,
    ADD COLUMN created_at timestamptz(3) NOT NULL DEFAULT now(),
    ADD CONSTRAINT preference_quiet_hours CHECK (
        (quiet_from_minute IS NULL) = (quiet_to_minute IS NULL) AND quiet_from_minute <> quiet_to_minute
        AND least(quiet_from_minute, quiet_to_minute) >= 0
        AND greatest(quiet_from_minute, quiet_to_minute) < 1440
    ) NOT VALID,
    ADD CONSTRAINT preference_zone_length CHECK (char_length(zone) BETWEEN 1 AND 64) NOT VALID;

ALTER TABLE messaging.muted_conversation ADD COLUMN muted_at timestamptz(3) NOT NULL DEFAULT now();

-- A row is written by whoever posts, with the lock of the conversation in hand. So nothing here is a
-- foreign key, which would take that lock again, and one on the salon for each of its conversations.
-- While one waits its successors only count it up: no index changes, and the page has room for it.
ALTER TABLE messaging.pending_mail
    DROP CONSTRAINT pending_mail_recipient_id_fkey,
    DROP CONSTRAINT pending_mail_conversation_id_fkey,
    -- NULL: it is due so and so long after `since`.
    ADD COLUMN wait_until timestamptz(3),
    SET (fillfactor = 75);
DROP INDEX messaging.pending_mail_by_conversation;
CREATE INDEX pending_mail_new ON messaging.pending_mail (since) WHERE wait_until IS NULL;
CREATE INDEX pending_mail_put_off ON messaging.pending_mail (wait_until) WHERE wait_until IS NOT NULL;

-- How often a person's mail was settled. Of two who decide at the same moment the second finds another
-- number.
CREATE TABLE messaging.mail_recipient (
    person_id text COLLATE "C" PRIMARY KEY REFERENCES messaging.participant (id) ON DELETE CASCADE,
    version bigint NOT NULL
);

-- How far mails told a person of a conversation, and what stands for both in the address that they
-- answer to. Nobody can guess that, and it goes on to be known when the conversation was taken away.
CREATE TABLE messaging.told_conversation (
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL,
    up_to_seq bigint NOT NULL,
    at timestamptz(3) NOT NULL,
    reply_token text COLLATE "C" NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '')
        CONSTRAINT told_conversation_token UNIQUE,
    PRIMARY KEY (person_id, conversation_id)
);

-- A mail that was decided on. What it says is gathered when it leaves; a closed one only counts among
-- the latest of its recipient.
CREATE TABLE messaging.mail (
    id messaging.id PRIMARY KEY,
    recipient_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    at timestamptz(3) NOT NULL,
    is_closed boolean NOT NULL DEFAULT false
);
CREATE INDEX mail_of_recipient ON messaging.mail (recipient_id, at);

-- What an open mail tells: the messages behind one position of a conversation, up to another.
CREATE TABLE messaging.mail_part (
    mail_id text COLLATE "C" NOT NULL REFERENCES messaging.mail (id) ON DELETE CASCADE,
    place integer NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    after_seq bigint NOT NULL,
    up_to_seq bigint NOT NULL,
    PRIMARY KEY (mail_id, place)
);

-- An address in the form in which it is compared: mail servers do not keep capitals apart.
CREATE FUNCTION messaging.mail_address(p_address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT lower(btrim(p_address, E' \t\r\n')) $$;

-- Addresses that get no more mail, each with everybody who had it then, so that it goes with the last of
-- them.
CREATE TABLE messaging.suppressed_address (
    address text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (address, person_id)
);
CREATE INDEX suppressed_address_of_person ON messaging.suppressed_address (person_id);

-- Mutes a conversation, unless the person takes no part in it or has muted `p_muted_max` others. What a
-- person wants is changed by one at a time, so the count is right.
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

-- Carries out what was decided about a person's mail when it had been settled `p_version` times: some
-- conversations wait until a moment; some wait no more, unless a message came since (`p_let_go_noted` is
-- not their number any more); and some of the latter are told, up to a position each, by one mail and
-- the job that sends it. False, and nothing is changed: somebody else settled it.
CREATE FUNCTION messaging.settle_mail(
    p_person text, p_version bigint, p_mail text, p_at timestamptz, p_recent_since timestamptz,
    p_wait text[], p_wait_until timestamptz[],
    p_let_go text[], p_let_go_noted bigint[],
    p_tell text[], p_tell_up_to bigint[]
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

    -- Those who post at this moment are let through, those who come now wait: a number is looked at once.
    PERFORM FROM messaging.pending_mail
    WHERE recipient_id = p_person AND conversation_id = ANY (p_wait || p_let_go)
    ORDER BY conversation_id FOR UPDATE;
    UPDATE messaging.pending_mail AS waiting SET wait_until = put_off.until
    FROM unnest(p_wait, p_wait_until) AS put_off (conversation_id, until)
    WHERE waiting.recipient_id = p_person AND waiting.conversation_id = put_off.conversation_id;
    DELETE FROM messaging.pending_mail AS waiting
    USING unnest(p_let_go, p_let_go_noted) AS seen (conversation_id, noted)
    WHERE waiting.recipient_id = p_person AND waiting.conversation_id = seen.conversation_id
        AND waiting.message_count = seen.noted;
    UPDATE messaging.pending_mail AS waiting SET
        message_count = greatest(waiting.message_count - seen.noted, 1), since = p_at, wait_until = NULL
    FROM unnest(p_let_go, p_let_go_noted) AS seen (conversation_id, noted)
    WHERE waiting.recipient_id = p_person AND waiting.conversation_id = seen.conversation_id;

    DELETE FROM messaging.mail WHERE recipient_id = p_person AND is_closed AND at <= p_recent_since;
    IF cardinality(p_tell) > 0 THEN
        INSERT INTO messaging.mail (id, recipient_id, at) VALUES (p_mail, p_person, p_at);
        INSERT INTO messaging.mail_part (mail_id, place, conversation_id, after_seq, up_to_seq)
        SELECT p_mail, place, part.conversation_id, coalesce(told.up_to_seq, 0), part.up_to_seq
        FROM unnest(p_tell, p_tell_up_to) WITH ORDINALITY AS part (conversation_id, up_to_seq, place)
        LEFT JOIN messaging.told_conversation AS told
            ON told.person_id = p_person AND told.conversation_id = part.conversation_id;
        INSERT INTO messaging.told_conversation AS known (person_id, conversation_id, up_to_seq, at)
        SELECT p_person, part.conversation_id, part.up_to_seq, p_at
        FROM unnest(p_tell, p_tell_up_to) AS part (conversation_id, up_to_seq)
        ON CONFLICT (person_id, conversation_id) DO UPDATE SET
            up_to_seq = greatest(known.up_to_seq, excluded.up_to_seq), at = excluded.at;
        PERFORM messaging.enter_job('send_mail', p_mail, p_at);
    END IF;
    RETURN true;
END
$$;
