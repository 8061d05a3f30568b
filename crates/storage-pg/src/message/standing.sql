-- The state of the conversation $1, which a page of its messages is read against, once for each of its
-- participants, if $2 is one of them.
SELECT
    c.last_seq, c.message_count, c.salon_read_seq, c.client_read_seq, person.id = c.salon_id AS is_salon,
    person.id AS person_id, person.role, person.first_name, person.last_name, person.salon_name,
    person.image, person.email, person.language, person.zone, person.is_forgotten
FROM messaging.conversation AS c
JOIN messaging.participant AS person ON person.id IN (c.salon_id, c.client_id)
WHERE c.id = $1 AND c.deleted_at IS NULL AND $2 IN (c.salon_id, c.client_id)
