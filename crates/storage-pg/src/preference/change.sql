-- Changes what the person $1 wants at $2: $3 whether there is mail, $4 how often; $5 whether the quiet
-- hours change, to $6 and $7; $8 whether the zone does, to $9. NULL leaves a thing as it is. Nothing
-- happens when the directory does not know them, or they were asked to be forgotten.
INSERT INTO messaging.preference AS known (
    person_id, mail_enabled, frequency, quiet_from_minute, quiet_to_minute, zone, created_at, updated_at
)
SELECT id, coalesce($3, true), coalesce($4, 'IMMEDIATE'), $6, $7, $9, $2, $2
FROM messaging.participant
WHERE id = $1 AND NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1)
ON CONFLICT (person_id) DO UPDATE SET
    mail_enabled = coalesce($3, known.mail_enabled),
    frequency = coalesce($4, known.frequency),
    quiet_from_minute = CASE WHEN $5 THEN $6 ELSE known.quiet_from_minute END,
    quiet_to_minute = CASE WHEN $5 THEN $7 ELSE known.quiet_to_minute END,
    zone = CASE WHEN $8 THEN $9 ELSE known.zone END,
    updated_at = $2
