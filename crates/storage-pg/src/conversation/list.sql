-- $1 viewer, $2 statuses, $3 and $4 the cursor (NULL: from the newest), $5 how many to pass over,
-- $6 how many to take. For each side and status the index gives the newest by the minute of their newest
-- message, so however many conversations there are, few are looked at: all of the last minute that is
-- needed, and those after it. Among these are the newest by time.
WITH picked AS (
    SELECT c.*
    FROM unnest($2::text[]) AS wanted (status)
    CROSS JOIN LATERAL (
        (
            SELECT *, true AS is_salon, client_id AS other_id, unread_by_salon AS unread
            FROM messaging.conversation
            WHERE salon_id = $1 AND status = wanted.status AND deleted_at IS NULL
                AND last_message_minute <= coalesce($3::timestamptz, 'infinity')
                AND (last_message_at, id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::text, ''))
            ORDER BY last_message_minute DESC FETCH FIRST ($5 + $6) ROWS WITH TIES
        )
        UNION ALL
        (
            SELECT *, false, salon_id, unread_by_client
            FROM messaging.conversation
            WHERE client_id = $1 AND status = wanted.status AND deleted_at IS NULL
                AND last_message_minute <= coalesce($3::timestamptz, 'infinity')
                AND (last_message_at, id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::text, ''))
            ORDER BY last_message_minute DESC FETCH FIRST ($5 + $6) ROWS WITH TIES
        )
    ) AS c
    ORDER BY c.last_message_at DESC, c.id DESC OFFSET $5 LIMIT $6
)
