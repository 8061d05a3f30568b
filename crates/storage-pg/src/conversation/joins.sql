-- The other participant and the newest message of each of them.
FROM picked AS c
JOIN messaging.participant AS other ON other.id = c.other_id
LEFT JOIN messaging.message AS m
    ON m.conversation_id = c.id AND m.seq = greatest(c.salon_message_seq, c.client_message_seq)
