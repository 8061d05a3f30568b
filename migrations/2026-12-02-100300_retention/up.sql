-- Retention policies, legal holds, and the changes of the daily sweep.

-- The default policy, if one was set. There is one row at most.
CREATE TABLE messaging.retention_policy (
    id smallint PRIMARY KEY DEFAULT 1 CONSTRAINT retention_policy_is_one CHECK (id = 1),
    archive_after_days integer NOT NULL,
    delete_after_days integer,
    updated_at timestamptz(3) NOT NULL,
    CONSTRAINT retention_policy_days CHECK (
        archive_after_days BETWEEN 1 AND 36500 AND delete_after_days BETWEEN 30 AND 36500
    )
);

-- A salon's own policy. The salon need not be in the directory yet.
CREATE TABLE messaging.salon_retention (
    salon_id messaging.id PRIMARY KEY,
    archive_after_days integer,
    delete_after_days integer,
    -- A legal hold: all its conversations stay as they are, whatever their age.
    is_held boolean NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    CONSTRAINT salon_retention_days CHECK (
        archive_after_days BETWEEN 1 AND 36500 AND delete_after_days BETWEEN 30 AND 36500
    ),
    CONSTRAINT salon_retention_deletes_what_it_archives CHECK (
        archive_after_days IS NOT NULL OR delete_after_days IS NULL
    )
);

-- The conversations under a legal hold of their own.
CREATE TABLE messaging.held_conversation (
    conversation_id text COLLATE "C" PRIMARY KEY REFERENCES messaging.conversation (id) ON DELETE CASCADE,
    held_at timestamptz(3) NOT NULL
);

-- Whether a conversation, or its salon, is under a legal hold.
CREATE FUNCTION messaging.is_held(p_conversation text, p_salon text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM messaging.held_conversation WHERE conversation_id = p_conversation)
        OR EXISTS (SELECT FROM messaging.salon_retention WHERE salon_id = p_salon AND is_held)
$$;

-- Archives a conversation without a message after `p_quiet_since`, with a notice of the platform. No row:
-- it is not due, or it is held. Decided under the lock, so a hold that was acknowledged counts.
CREATE FUNCTION messaging.archive_for_age(
    p_conversation text, p_quiet_since timestamptz, p_message text, p_content text, p_notice jsonb,
    p_at timestamptz
) RETURNS TABLE (salon_id text, client_id text, subject text, seq bigint) LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    SELECT here.salon_id, here.client_id, here.subject, here.last_seq + 2
    INTO salon_id, client_id, subject, seq
    FROM messaging.conversation AS here
    WHERE here.id = p_conversation AND here.deleted_at IS NULL
        AND here.status = 'ACTIVE' AND here.last_message_at <= p_quiet_since
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- A hold on the salon that is being set at this moment comes first, or waits until this is done.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('hold ' || salon_id, 0));
    IF messaging.is_held(p_conversation, salon_id) THEN
        RETURN;
    END IF;
    INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, notice, created_at)
    VALUES (p_message, p_conversation, seq, 'platform', 'SYSTEM', p_content, p_notice, p_at);
    INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
    VALUES
        (p_conversation, seq - 1, 'conversation_updated', salon_id, p_at, NULL),
        (p_conversation, seq, 'message_posted', salon_id, p_at, p_message);
    UPDATE messaging.conversation SET
        status = 'ARCHIVED', updated_at = p_at, last_seq = archive_for_age.seq,
        message_count = message_count + 1
    WHERE id = p_conversation;
    RETURN NEXT;
END
$$;

-- Deletes the content of the oldest `p_messages_max` messages of an archived conversation without a
-- message after `p_last_message_by` and without another change after `p_changed_by`. No row: it is
-- not due, nothing is left, or it is held. The caller deletes the files of the messages.
CREATE FUNCTION messaging.empty_aged(
    p_conversation text, p_last_message_by timestamptz, p_changed_by timestamptz, p_messages_max integer,
    p_at timestamptz
) RETURNS TABLE (
    salon_id text, client_id text, last_seq bigint, message_ids text[], have_files boolean
) LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    v_count integer;
BEGIN
    SELECT here.salon_id, here.client_id, here.last_seq INTO salon_id, client_id, last_seq
    FROM messaging.conversation AS here
    WHERE here.id = p_conversation AND here.deleted_at IS NULL AND here.status = 'ARCHIVED'
        AND here.last_message_at <= p_last_message_by AND here.updated_at <= p_changed_by
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- A hold on the salon that is being set at this moment comes first, or waits until this is done.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('hold ' || salon_id, 0));
    IF messaging.is_held(p_conversation, salon_id) THEN
        RETURN;
    END IF;

    SELECT array_agg(oldest.id::text ORDER BY oldest.seq), bool_or(oldest.attachment_count > 0)
    INTO message_ids, have_files
    FROM (
        -- A short walk for each side: what was emptied before is skipped, however much that is.
        (
            SELECT id, seq, attachment_count FROM messaging.message
            WHERE conversation_id = p_conversation AND author_side = 'salon' AND deleted_at IS NULL
            ORDER BY seq LIMIT p_messages_max
        )
        UNION ALL
        (
            SELECT id, seq, attachment_count FROM messaging.message
            WHERE conversation_id = p_conversation AND author_side = 'client' AND deleted_at IS NULL
            ORDER BY seq LIMIT p_messages_max
        )
        ORDER BY seq LIMIT p_messages_max
    ) AS oldest;
    IF message_ids IS NULL THEN
        RETURN;
    END IF;
    v_count := cardinality(message_ids);

    UPDATE messaging.message SET content = '', attachment_count = 0, notice = NULL, deleted_at = p_at
    WHERE id = ANY (message_ids);
    INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
    SELECT p_conversation, empty_aged.last_seq + place, 'message_deleted', empty_aged.salon_id, p_at, gone.id
    FROM unnest(message_ids) WITH ORDINALITY AS gone (id, place);
    last_seq := last_seq + v_count;

    UPDATE messaging.conversation AS here SET
        last_seq = empty_aged.last_seq,
        message_count = here.message_count - v_count,
        salon_message_seq = newest.salon,
        client_message_seq = newest.client,
        last_message_at = coalesce((
            SELECT created_at FROM messaging.message
            WHERE conversation_id = p_conversation AND seq = greatest(newest.salon, newest.client)
        ), here.created_at)
    FROM (
        SELECT
            coalesce((
                SELECT max(seq) FROM messaging.message
                WHERE conversation_id = p_conversation AND author_side = 'salon' AND deleted_at IS NULL
            ), 0) AS salon,
            coalesce((
                SELECT max(seq) FROM messaging.message
                WHERE conversation_id = p_conversation AND author_side = 'client' AND deleted_at IS NULL
            ), 0) AS client
    ) AS newest
    WHERE here.id = p_conversation;
    RETURN NEXT;
END
$$;
