WITH former AS (
    SELECT "userId", "emailNotificationsEnabled", "emailFrequency",
        ARRAY(SELECT DISTINCT id FROM unnest("mutedConversations") AS id ORDER BY id)
    FROM "NotificationPreference" WHERE id !~ '^codd-'
), ours AS (
    SELECT person_id::text, mail_enabled, frequency, ARRAY(
        SELECT conversation_id COLLATE "default" FROM messaging.muted_conversation AS muted
        WHERE muted.person_id = wish.person_id ORDER BY 1)
    FROM messaging.preference AS wish WHERE person_id <> 'cadmin0000000000000000000'
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
