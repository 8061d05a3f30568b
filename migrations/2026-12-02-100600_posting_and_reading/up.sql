-- The changes that are made all day, each in one round trip. They are functions, not one large statement,
-- because each of their statements must see what was committed while it waited for the row lock; a single
-- statement keeps the snapshot that it took before the wait.

-- Marks the messages of `p_writer` after `p_after` and up to `p_up_to` as read, and returns their number.
CREATE FUNCTION messaging.mark_messages_read(
    p_conversation text, p_writer text, p_after bigint, p_up_to bigint, p_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE messaging.message SET read_at = p_at
    WHERE conversation_id = p_conversation AND author_side = p_writer
        AND seq > p_after AND seq <= p_up_to AND deleted_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- Moves the read position of a reader up to `p_up_to`, never back, if a message becomes read by it. No
-- row: there is no such conversation, or the reader takes no part in it. A NULL `seq`: nothing moved.
CREATE FUNCTION messaging.mark_read(
    p_conversation text, p_reader text, p_up_to bigint, p_at timestamptz
) RETURNS TABLE (
    salon_id text, client_id text, seq bigint, up_to bigint, read_several boolean, unread bigint
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
    v_read bigint := 0;
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
        v_read := messaging.mark_messages_read(p_conversation, v_writer, v_read_seq, v_up_to, p_at);
    END IF;
    IF v_read > 0 THEN
        v_seq := v_here.last_seq + 1;
        v_read_seq := v_up_to;
        INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, read_up_to, read_several)
        VALUES (p_conversation, v_seq, 'messages_read', p_reader, p_at, v_up_to, v_read > 1);
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
    RETURN QUERY SELECT v_here.salon_id::text, v_here.client_id::text, v_seq, v_up_to, v_read > 1, v_unread;
END
$$;

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

-- Posts a message, once for each key of its author, and notes in the same transaction that mail about it
-- may be due (D15). No row: there is no such conversation, or the author takes no part in it. A
-- `known_message_id`: the key was used before, nothing was changed. `unknown_upload`: a file is named that
-- the author may not send, nothing was changed.
--
-- A file with an address is one of the upload service; one without is an upload of the author's, which
-- becomes an attachment here and is returned in `kept`. For a message without files no upload is looked up.
--
-- What is read of the conversation goes into plain variables: a variable of its row type would have
-- every id in it checked against the form of ids again.
CREATE FUNCTION messaging.post_message(
    p_id text, p_conversation text, p_author text, p_kind text, p_content text, p_key text,
    p_files jsonb, p_read_on_arrival boolean, p_at timestamptz
) RETURNS TABLE (
    known_message_id text, salon_id text, client_id text, subject text, was_archived boolean,
    seq bigint, read_several boolean, author_id text, author_role text, author_first_name text,
    author_last_name text, author_salon_name text, author_image text, author_email text,
    author_language text, author_zone text, unknown_upload boolean, kept jsonb
) LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    v_is_salon boolean;
    v_side text;
    v_last_seq bigint;
    v_reader text;
    -- How far the other side has read, and the position of the author's newest message.
    v_read_seq bigint;
    v_newest bigint;
    v_files integer := jsonb_array_length(p_files);
    -- The uploads among the files.
    v_uploads text[];
    v_found integer;
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
    -- A forgotten person posts nothing. Asked under the lock, so that nothing is posted after the erasure
    -- has passed this conversation.
    IF EXISTS (SELECT FROM messaging.erasure WHERE person_id = p_author) THEN
        RETURN;
    END IF;

    IF p_key IS NOT NULL THEN
        SELECT id INTO known_message_id FROM messaging.message
        WHERE conversation_id = p_conversation AND author_side = v_side AND client_message_id = p_key;
    END IF;

    IF known_message_id IS NULL AND v_files > 0 THEN
        SELECT array_agg(file ->> 'id') INTO v_uploads
        FROM jsonb_array_elements(p_files) AS files (file) WHERE file ->> 'url' IS NULL;
        IF v_uploads IS NOT NULL THEN
            -- In one order, so that two sends never deadlock.
            PERFORM FROM messaging.upload
            WHERE id = ANY (v_uploads) AND owner_id = p_author AND media_type IS NOT NULL
            ORDER BY id FOR UPDATE;
            GET DIAGNOSTICS v_found = ROW_COUNT;
            IF v_found < cardinality(v_uploads) THEN
                unknown_upload := true;
                RETURN NEXT;
                RETURN;
            END IF;
        END IF;
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
            FROM jsonb_array_elements(p_files) WITH ORDINALITY AS files (file, place)
            WHERE file ->> 'url' IS NOT NULL;
        END IF;
        IF v_uploads IS NOT NULL THEN
            WITH sent AS (
                DELETE FROM messaging.upload WHERE id = ANY (v_uploads) RETURNING *
            ), attached AS (
                INSERT INTO messaging.attachment (id, message_id, position, name, media_type, size_bytes,
                    object_key, thumbnail_key, width_px, height_px, thumbnail_type)
                SELECT sent.id, p_id, place, sent.name, sent.media_type, sent.size_bytes,
                    sent.object_key, sent.thumbnail_key, sent.width_px, sent.height_px, sent.thumbnail_type
                FROM jsonb_array_elements(p_files) WITH ORDINALITY AS files (file, place)
                JOIN sent ON sent.id = file ->> 'id'
                WHERE file ->> 'url' IS NULL
                RETURNING *
            )
            SELECT jsonb_agg(to_jsonb(attached) ORDER BY position) INTO kept FROM attached;
        END IF;

        IF p_read_on_arrival THEN
            -- What was unread before this message is read along with it.
            read_several := false;
            IF v_newest > v_read_seq THEN
                read_several := messaging.mark_messages_read(
                    p_conversation, v_side, v_read_seq, v_last_seq - 1, p_at) > 0;
            END IF;
            v_read_seq := v_last_seq;
            INSERT INTO messaging.event
                (conversation_id, seq, kind, actor_id, at, message_id, read_up_to, read_several)
            VALUES
                (p_conversation, v_last_seq, 'message_posted', p_author, p_at, p_id, NULL, NULL),
                (p_conversation, v_last_seq + 1, 'messages_read', v_reader, p_at, NULL, v_last_seq,
                    read_several);
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

        -- One row for each conversation, however much is posted: its count says that more came. Nobody is
        -- mailed about what is read as it arrives, nor about messages of the platform.
        IF NOT p_read_on_arrival AND p_kind <> 'SYSTEM' THEN
            INSERT INTO messaging.pending_mail AS pending
                (recipient_id, conversation_id, message_count, since)
            VALUES (v_reader, p_conversation, 1, p_at)
            ON CONFLICT (recipient_id, conversation_id)
                DO UPDATE SET message_count = pending.message_count + 1;
        END IF;
    END IF;

    SELECT id, role, first_name, last_name, salon_name, image, email, language, zone
    INTO author_id, author_role, author_first_name, author_last_name, author_salon_name, author_image,
        author_email, author_language, author_zone
    FROM messaging.participant WHERE id = p_author;
    RETURN NEXT;
END
$$;
