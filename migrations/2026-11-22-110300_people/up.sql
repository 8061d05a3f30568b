-- What the platform says is data: who is told what, in which language, and on whose clock; and the
-- proof that a person was forgotten.
ALTER TABLE messaging.participant
    ADD COLUMN language text,
    ADD COLUMN zone text,
    ADD CONSTRAINT participant_language_form CHECK (language ~ '^[a-z]{2}$') NOT VALID,
    ADD CONSTRAINT participant_zone_length CHECK (char_length(zone) BETWEEN 1 AND 64) NOT VALID;

-- What a message of the platform means. It goes with the text.
ALTER TABLE messaging.message
    ADD COLUMN notice jsonb,
    ADD CONSTRAINT message_notice_is_the_platform_s
        CHECK (notice IS NULL OR kind = 'SYSTEM' AND deleted_at IS NULL) NOT VALID;

-- The receipt of an erasure: numbers and times. Who is in here is never entered in the directory again.
CREATE TABLE messaging.erasure (
    person_id messaging.id PRIMARY KEY,
    requested_at timestamptz(3) NOT NULL,
    finished_at timestamptz(3),
    conversations bigint NOT NULL DEFAULT 0,
    messages bigint NOT NULL DEFAULT 0,
    files bigint NOT NULL DEFAULT 0,
    CONSTRAINT erasure_counts CHECK (least(conversations, messages, files) >= 0)
);
