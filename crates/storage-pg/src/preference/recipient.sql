-- A person, whether mail to their address came back, and their preferences; without a
-- `preference_created_at` they never chose any. A deleted conversation is not muted any more.
SELECT
    person.id, person.role, person.first_name, person.last_name, person.salon_name, person.image,
    person.email, person.language, person.zone, person.is_forgotten,
    EXISTS (
        SELECT FROM messaging.suppressed_address
        WHERE address = messaging.mail_address(person.email)
    ) AS is_suppressed,
    preference.mail_enabled AS preference_mail_enabled, preference.frequency AS preference_frequency,
    preference.quiet_from_minute AS preference_quiet_from_minute, preference.quiet_to_minute AS preference_quiet_to_minute,
    preference.zone AS preference_zone, preference.created_at AS preference_created_at, preference.updated_at AS preference_updated_at,
    ARRAY(
        SELECT muted.conversation_id FROM messaging.muted_conversation AS muted
        JOIN messaging.conversation AS here ON here.id = muted.conversation_id AND here.deleted_at IS NULL
        WHERE muted.person_id = person.id
        ORDER BY muted.muted_at, muted.conversation_id
    ) AS preference_muted
FROM messaging.participant AS person
LEFT JOIN messaging.preference AS preference ON preference.person_id = person.id
