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
