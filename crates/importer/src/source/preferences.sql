SELECT preference."userId", preference."emailNotificationsEnabled",
    preference."emailFrequency"::text AS "emailFrequency",
    EXISTS (SELECT FROM "User" AS person WHERE person.id = preference."userId") AS person_known,
    own.ids AS muted, listed.count - cardinality(own.ids) AS muted_elsewhere
FROM "NotificationPreference" AS preference
CROSS JOIN LATERAL (
    SELECT count(DISTINCT muted.id) AS count FROM unnest(preference."mutedConversations") AS muted (id)
) AS listed
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(conversation.id), '{}') AS ids FROM "Conversation" AS conversation
    WHERE conversation.id = ANY(preference."mutedConversations")
        AND preference."userId" IN (conversation."salonId", conversation."clientUserId")
) AS own
WHERE preference."userId" > $1 ORDER BY preference."userId" LIMIT $2
