SELECT wish."userId", wish."emailNotificationsEnabled", wish."emailFrequency"::text AS "emailFrequency",
    EXISTS (SELECT FROM "User" WHERE "User".id = wish."userId") AS person_known,
    theirs.ids AS muted, named.count - cardinality(theirs.ids) AS muted_elsewhere
FROM "NotificationPreference" AS wish
CROSS JOIN LATERAL (
    SELECT count(DISTINCT id) FROM unnest(wish."mutedConversations") AS id
) AS named
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(talk.id), '{}') AS ids FROM "Conversation" AS talk
    WHERE talk.id = ANY(wish."mutedConversations") AND wish."userId" IN (talk."salonId", talk."clientUserId")
) AS theirs
WHERE wish."userId" > $1 ORDER BY wish."userId" LIMIT $2
