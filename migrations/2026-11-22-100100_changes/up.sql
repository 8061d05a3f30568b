-- The two changes that happen all day, each in one round trip. They are functions, not one large
-- statement, because each of their statements must see what was committed while the row lock was
-- waited for; a single statement keeps the view it had before the wait.

-- Marks what `p_writer` said after `p_after` and up to `p_up_to` as read. Returns the newest
-- `p_named_max` of these messages, oldest first; NULL when there were none.
CREATE FUNCTION messaging.mark_messages_read(
    p_conversation text, p_writer text, p_after bigint, p_up_to bigint, p_at timestamptz, p_named_max integer
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_ids text[];
BEGIN
    WITH marked AS (
        UPDATE messaging.message SET read_at = p_at
        WHERE conversation_id = p_conversation AND author_side = p_writer
            AND seq > p_after AND seq <= p_up_to AND deleted_at IS NULL
        RETURNING id, seq
    )
    SELECT array_agg(id::text ORDER BY seq) INTO v_ids
    FROM (SELECT id, seq FROM marked ORDER BY seq DESC LIMIT p_named_max) AS newest;
    RETURN v_ids;
END
$$;

-- Posts a message, once for each key of its author. No row: there is no such conversation, or the
-- author takes no part in it. A `known_message_id`: the key was used before, nothing was changed.
--
-- What is read of the conversation goes into plain variables: a variable of its row type would have
-- every id in it matched against the form of ids again.
CREATE FUNCTION messaging.post_message(
    p_id text, p_conversation text, p_author text, p_kind text, p_content text, p_key text,
    p_files jsonb, p_read_on_arrival boolean, p_at timestamptz, p_named_max integer
) RETURNS TABLE (
    known_message_id text, salon_id text, client_id text, subject text, was_archived boolean,
    seq bigint, read_message_ids text[], author_id text, author_role text, author_first_name text,
    author_last_name text, author_salon_name text, author_image text, author_email text
) LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    v_is_salon boolean;
    v_side text;
    v_last_seq bigint;
    v_reader text;
    -- How far the other side has read, and where the author's newest message is.
    v_read_seq bigint;
    v_newest bigint;
    v_files integer := jsonb_array_length(p_files);
BEGIN
    SELECT here.salon_id, here.client_id, here.subject, here.status = 'ARCHIVED', here.last_seq,
        here.salon_id = p_author,
        CASE WHEN here.salon_id = p_author THEN 'salon' ELSE 'client' END,
        CASE WHEN here.salon_id = p_author THEN here.client_id ELSE here.salon_id END,
        CASE WHEN here.salon_id = p_author THEN here.client_read_seq ELSE here.salon_read_seq END,
        CASE WHEN here.salon_id = p_author THEN here.salon_message_seq ELSE here.client_message_seq END
    INTO salon_id, client_id, subject, was_archived, v_last_seq,
        v_is_salon, v_side, v_reader, v_read_seq, v_newest
    FROM messaging.conversation AS here
    WHERE here.id = p_conversation AND here.deleted_at IS NULL
        AND p_author IN (here.salon_id, here.client_id)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p_key IS NOT NULL THEN
        SELECT id INTO known_message_id FROM messaging.message
        WHERE conversation_id = p_conversation AND author_side = v_side AND client_message_id = p_key;
    END IF;

    IF known_message_id IS NULL THEN
        IF was_archived THEN
            v_last_seq := v_last_seq + 1;
            INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at)
            VALUES (p_conversation, v_last_seq, 'conversation_updated', p_author, p_at);
        END IF;
        v_last_seq := v_last_seq + 1;
        seq := v_last_seq;

        INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content,
            attachment_count, client_message_id, created_at, read_at)
        VALUES (p_id, p_conversation, v_last_seq, v_side, p_kind, p_content,
            v_files, p_key, p_at, CASE WHEN p_read_on_arrival THEN p_at END);
        IF v_files > 0 THEN
            INSERT INTO messaging.attachment
                (id, message_id, position, name, url, media_type, size_bytes, upload_key)
            SELECT file ->> 'id', p_id, place, file ->> 'name', file ->> 'url',
                file ->> 'media_type', (file ->> 'size_bytes')::integer, file ->> 'upload_key'
            FROM jsonb_array_elements(p_files) WITH ORDINALITY AS files (file, place);
        END IF;

        IF p_read_on_arrival THEN
            -- What waited before this message is read along with it.
            IF v_newest > v_read_seq THEN
                read_message_ids := messaging.mark_messages_read(
                    p_conversation, v_side, v_read_seq, v_last_seq - 1, p_at, p_named_max - 1);
            END IF;
            read_message_ids := read_message_ids || p_id;
            v_read_seq := v_last_seq;
            INSERT INTO messaging.event
                (conversation_id, seq, kind, actor_id, at, message_id, read_up_to, read_message_ids)
            VALUES
                (p_conversation, v_last_seq, 'message_posted', p_author, p_at, p_id, NULL, NULL),
                (p_conversation, v_last_seq + 1, 'messages_read', v_reader, p_at, NULL, v_last_seq,
                    read_message_ids);
            v_last_seq := v_last_seq + 1;
        ELSE
            INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
            VALUES (p_conversation, v_last_seq, 'message_posted', p_author, p_at, p_id);
        END IF;

        IF v_is_salon THEN
            UPDATE messaging.conversation SET
                status = 'ACTIVE', updated_at = p_at, last_message_at = p_at, last_seq = v_last_seq,
                message_count = message_count + 1,
                salon_message_seq = post_message.seq, client_read_seq = v_read_seq
            WHERE id = p_conversation;
        ELSE
            UPDATE messaging.conversation SET
                status = 'ACTIVE', updated_at = p_at, last_message_at = p_at, last_seq = v_last_seq,
                message_count = message_count + 1,
                client_message_seq = post_message.seq, salon_read_seq = v_read_seq
            WHERE id = p_conversation;
        END IF;
    END IF;

    SELECT id, role, first_name, last_name, salon_name, image, email
    INTO author_id, author_role, author_first_name, author_last_name, author_salon_name, author_image,
        author_email
    FROM messaging.participant WHERE id = p_author;
    RETURN NEXT;
END
$$;

-- Moves the horizon of a reader up to `p_up_to`, never back, if a message becomes read by it. No row:
-- there is no such conversation, or the reader takes no part in it. A NULL `seq`: nothing moved.
CREATE FUNCTION messaging.mark_read(
    p_conversation text, p_reader text, p_up_to bigint, p_at timestamptz, p_named_max integer
) RETURNS TABLE (
    salon_id text, client_id text, seq bigint, up_to bigint, read_message_ids text[], unread bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_here messaging.conversation;
    v_is_salon boolean;
    v_writer text;
    v_read_seq bigint;
    v_newest bigint;
    v_up_to bigint;
    v_seq bigint;
    v_read_ids text[];
    v_unread bigint := 0;
BEGIN
    SELECT * INTO v_here FROM messaging.conversation
    WHERE id = p_conversation AND deleted_at IS NULL AND p_reader IN (salon_id, client_id)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_is_salon := v_here.salon_id = p_reader;
    v_writer := CASE WHEN v_is_salon THEN 'client' ELSE 'salon' END;
    v_read_seq := CASE WHEN v_is_salon THEN v_here.salon_read_seq ELSE v_here.client_read_seq END;
    v_newest := CASE WHEN v_is_salon THEN v_here.client_message_seq ELSE v_here.salon_message_seq END;
    v_up_to := least(p_up_to, v_here.last_seq);

    IF least(v_newest, v_up_to) > v_read_seq THEN
        v_read_ids := messaging.mark_messages_read(
            p_conversation, v_writer, v_read_seq, v_up_to, p_at, p_named_max);
    END IF;
    IF v_read_ids IS NOT NULL THEN
        v_seq := v_here.last_seq + 1;
        v_read_seq := v_up_to;
        INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, read_up_to, read_message_ids)
        VALUES (p_conversation, v_seq, 'messages_read', p_reader, p_at, v_up_to, v_read_ids);
        UPDATE messaging.conversation SET
            last_seq = v_seq,
            salon_read_seq = CASE WHEN v_is_salon THEN v_up_to ELSE salon_read_seq END,
            client_read_seq = CASE WHEN v_is_salon THEN client_read_seq ELSE v_up_to END
        WHERE id = p_conversation;
    END IF;

    IF v_newest > v_read_seq THEN
        SELECT count(*) INTO v_unread FROM messaging.message
        WHERE conversation_id = p_conversation AND author_side = v_writer
            AND seq > v_read_seq AND deleted_at IS NULL;
    END IF;
    RETURN QUERY SELECT v_here.salon_id::text, v_here.client_id::text, v_seq, v_up_to, v_read_ids, v_unread;
END
$$;
