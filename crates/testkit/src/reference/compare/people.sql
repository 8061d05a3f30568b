WITH former AS (
    SELECT id, CASE WHEN role::text IN ('client', 'user_salon', 'user', 'user_tatoueur', 'admin', 'formateur') THEN role::text ELSE 'other' END,
        nullif("firstName", ''), nullif("lastName", ''), nullif("salonName", ''), nullif(image, ''), nullif(email, '')
    FROM "User" WHERE id !~ '^codd-|[^A-Za-z0-9_-]'
), ours AS (
    SELECT id::text, role, first_name, last_name, salon_name, image, email FROM messaging.participant
    WHERE id !~ '^(codd-|cgone)'
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
