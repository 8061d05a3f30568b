-- Posting notes that a mail may be due (D15), in its own transaction and its one round trip.
--
-- It takes and returns what it did, so the nodes that still run the code before it note it too, and no
-- message goes untold because it was posted during a deploy.
CREATE OR REPLACE FUNCTION messaging.post_message_2(
    p_id text, p_conversation text, p_author text, p_kind text, p_content text, p_key text,
    p_files jsonb, p_read_on_arrival boolean, p_at timestamptz, p_named_max integer
) RETURNS TABLE (
    known_message_id text, salon_id text, client_id text, subject text, was_archived boolean,
    seq bigint, read_message_ids text[], author_id text, author_role text, author_first_name text,
    author_last_name text, author_salon_name text, author_image text, author_email text,
    author_language text, author_zone text, unknown_upload boolean, kept jsonb
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
    -- Whoever is forgotten says nothing more. Asked with the lock in hand, so that nothing is said behind
    -- those who take their words out.
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
            -- In one order, so that two sends never wait for each other.
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
                salon_message_seq = post_message_2.seq, client_read_seq = v_read_seq
            WHERE id = p_conversation;
        ELSE
            UPDATE messaging.conversation SET
                status = 'ACTIVE', updated_at = p_at, last_message_at = p_at, last_seq = v_last_seq,
                message_count = message_count + 1,
                client_message_seq = post_message_2.seq, salon_read_seq = v_read_seq
            WHERE id = p_conversation;
        END IF;

        -- One waits for each conversation, however much is said: its number tells that more came. What
        -- is read as it arrives, and what the platform says, is told by no mail.
        IF NOT p_read_on_arrival AND p_kind <> 'SYSTEM' THEN
            INSERT INTO messaging.pending_mail AS waiting
                (recipient_id, conversation_id, message_count, since)
            VALUES (v_reader, p_conversation, 1, p_at)
            ON CONFLICT (recipient_id, conversation_id)
                DO UPDATE SET message_count = waiting.message_count + 1;
        END IF;
    END IF;

    SELECT id, role, first_name, last_name, salon_name, image, email, language, zone
    INTO author_id, author_role, author_first_name, author_last_name, author_salon_name, author_image,
        author_email, author_language, author_zone
    FROM messaging.participant WHERE id = p_author;
    RETURN NEXT;
END
$$;
