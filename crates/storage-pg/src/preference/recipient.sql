-- Who somebody is, whether mail to their address came back, and what they want; without a
-- `wish_created_at` they never said anything. A conversation that was taken away is not muted any more.
SELECT
    person.id, person.role, person.first_name, person.last_name, person.salon_name, person.image,
    person.email, person.language, person.zone, person.is_forgotten,
    EXISTS (
        SELECT FROM messaging.suppressed_address
        WHERE address = messaging.mail_address(person.email)
    ) AS is_suppressed,
    wish.mail_enabled AS wish_mail_enabled, wish.frequency AS wish_frequency,
    wish.quiet_from_minute AS wish_quiet_from_minute, wish.quiet_to_minute AS wish_quiet_to_minute,
    wish.zone AS wish_zone, wish.created_at AS wish_created_at, wish.updated_at AS wish_updated_at,
    ARRAY(
        SELECT muted.conversation_id FROM messaging.muted_conversation AS muted
        JOIN messaging.conversation AS here ON here.id = muted.conversation_id AND here.deleted_at IS NULL
        WHERE muted.person_id = person.id
        ORDER BY muted.muted_at, muted.conversation_id
    ) AS wish_muted
FROM messaging.participant AS person
LEFT JOIN messaging.preference AS wish ON wish.person_id = person.id
