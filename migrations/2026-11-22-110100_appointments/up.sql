-- What the platform reports of bookings (D17): first kept, then handled. The people are no foreign
-- keys: a booking may be reported before those who made it are known.
CREATE TABLE messaging.appointment_event (
    id messaging.id PRIMARY KEY,
    salon_id messaging.id NOT NULL,
    client_id messaging.id NOT NULL,
    appointment_id messaging.id NOT NULL,
    kind text NOT NULL CONSTRAINT appointment_event_kind_word CHECK (kind IN (
        'booked', 'requested', 'auto-confirmed', 'confirmed', 'rescheduled', 'cancelled', 'completed', 'no-show'
    )),
    service text NOT NULL CONSTRAINT appointment_event_service_word
        CHECK (service IN ('PROJET', 'TATTOO', 'PIERCING', 'RETOUCHE')),
    starts_at timestamptz(3) NOT NULL,
    previous_starts_at timestamptz(3),
    client_first_name text CHECK (char_length(client_first_name) <= 200),
    zone text CHECK (char_length(zone) BETWEEN 1 AND 64),
    occurred_at timestamptz(3) NOT NULL,
    received_at timestamptz(3) NOT NULL,
    -- NULL: it waits.
    handled_at timestamptz(3),
    -- It cannot be handled, and holds up none behind it.
    rejected_at timestamptz(3),
    CONSTRAINT appointment_event_sides_differ CHECK (salon_id <> client_id),
    CONSTRAINT appointment_event_has_one_end CHECK (handled_at IS NULL OR rejected_at IS NULL)
);

-- The oldest of a booking that waits.
CREATE INDEX appointment_event_pending
    ON messaging.appointment_event (salon_id, appointment_id, occurred_at, id)
    WHERE handled_at IS NULL AND rejected_at IS NULL;

-- The newest of a booking that says whether it stands.
CREATE INDEX appointment_event_handled
    ON messaging.appointment_event (salon_id, appointment_id, occurred_at DESC, id DESC)
    WHERE handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show');

-- Where a person's first name is, for the day they want it forgotten.
CREATE INDEX appointment_event_naming ON messaging.appointment_event (client_id)
    WHERE client_first_name IS NOT NULL;
