-- The tokens of webhook calls, on whichever node they came, so that none is executed twice. A call that was
-- begun and not executed may have been interrupted: after a minute its token is taken again.
CREATE TABLE messaging.webhook_token (
    token text COLLATE "C" PRIMARY KEY CONSTRAINT webhook_token_length CHECK (octet_length(token) <= 128),
    taken_at timestamptz(3) NOT NULL,
    is_executed boolean NOT NULL DEFAULT false
);
CREATE INDEX webhook_token_by_time ON messaging.webhook_token (taken_at);
