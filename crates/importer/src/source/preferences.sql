SELECT wish."userId", wish."emailNotificationsEnabled", wish."emailFrequency"::text AS "emailFrequency",
    EXISTS (SELECT FROM "User" AS person WHERE person.id = wish."userId") AS person_known,
    theirs.ids AS muted, named.count - cardinality(theirs.ids) AS muted_elsewhere
FROM "NotificationPreference" AS wish
CROSS JOIN LATERAL (
    SELECT count(DISTINCT muted.id) AS count FROM unnest(wish."mutedConversations") AS muted (id)
) AS named
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(here.id), '{}') AS ids FROM "Conversation" AS here
    WHERE here.id = ANY(wish."mutedConversations") AND wish."userId" IN (here."salonId", here."clientUserId")
) AS theirs
WHERE wish."userId" > $1 ORDER BY wish."userId" LIMIT $2
