INSERT INTO "Appointment" (id, title, prestation, start, "end", status, "updatedAt", "userId", "clientUserId")
SELECT pg_temp.cuid('appointment', n), 'Rendez-vous n° ' || n, (ARRAY['TATTOO', 'PIERCING', 'PROJET'])[1 + n % 3]::"Prestation",
    at, at + interval '1 hour', 'CONFIRMED', at, pg_temp.cuid('salon', n % (:conversations / 40 + 1)),
    pg_temp.cuid('client', pg_temp.dice(n, 1, :conversations / 3 + 1))
FROM generate_series(1, :conversations) AS n, LATERAL (SELECT timestamp '2024-02-01' + n * interval '1 hour') AS moment (at)
WHERE n % 3 > 0;

INSERT INTO "Conversation"
    (id, "salonId", "clientUserId", "appointmentId", subject, status, "createdAt", "updatedAt", "lastMessageAt")
SELECT pg_temp.cuid('conversation', n), pg_temp.cuid('salon', n % (:conversations / 40 + 1)),
    pg_temp.cuid('client', pg_temp.dice(n, 1, :conversations / 3 + 1)),
    CASE WHEN n % 3 > 0 THEN pg_temp.cuid('appointment', n) END,
    CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE
        (ARRAY['RDV Tatouage - ', 'RDV Piercing - ', 'Rendez-vous PROJET '])[1 + n % 3] || to_char(born, 'DD/MM/YYYY') END,
    (CASE WHEN n % 7 = 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END)::"ConversationStatus", born, born, born
FROM generate_series(1, :conversations) AS n,
    LATERAL (SELECT timestamp '2024-01-01' + pg_temp.dice(n, 2, 500 * 24 * 60) * interval '1 min') AS birth (born);

-- Half of the messages are in a tenth of the conversations. Some are sent in the same millisecond.
INSERT INTO "Message" (id, "conversationId", "senderId", content, type, "createdAt", "updatedAt", "archivedAt")
SELECT pg_temp.cuid('message', n), here.id,
    CASE WHEN place = 1 OR pg_temp.dice(n, 3, 2) = 0 THEN here."salonId" ELSE here."clientUserId" END,
    CASE WHEN place = 1 THEN 'Bonjour, votre demande de rendez-vous a bien été reçue.'
        ELSE words[1 + pg_temp.dice(n, 4, array_length(words, 1))] || ' ' || words[1 + pg_temp.dice(n, 5, array_length(words, 1))] END,
    (CASE WHEN place = 1 THEN 'SYSTEM' WHEN pg_temp.dice(n, 6, 25) = 0 THEN 'IMAGE' ELSE 'TEXT' END)::"MessageType",
    said, said, CASE WHEN said < timestamp '2024-06-01' THEN said + interval '90 days' END
FROM (
    SELECT n, place_of, row_number() OVER (PARTITION BY place_of ORDER BY n) AS place
    FROM generate_series(1, :messages) AS n, LATERAL (
        SELECT 1 + pg_temp.dice(n, 7, CASE WHEN n % 2 = 0 THEN :conversations ELSE :conversations / 10 END)
    ) AS picked (place_of)
) AS spread
JOIN "Conversation" AS here ON here.id = pg_temp.cuid('conversation', place_of)
CROSS JOIN LATERAL (SELECT here."createdAt"
    + (place - place % 2) * interval '37 min' + pg_temp.dice(n, 8, 3) * interval '7 ms') AS moment (said)
CROSS JOIN (SELECT ARRAY[
    'Bonjour, je voudrais un rendez-vous pour un tatouage sur l''avant-bras.',
    'D''accord, samedi à 14 h 30 me convient très bien !', 'Merci beaucoup 🙏🏽',
    'Est-ce que le prix comprend la retouche ?', E'Voici quelques idées :\n- une fleur\n- un oiseau',
    'Pensez à bien manger avant la séance, et à boire de l''eau.', 'À bientôt, 👩🏽‍🎨', 'Oui.',
    'L''acompte est de 50 €, payable sur place.', 'Désolée, je serai en retard de dix minutes…',
    '<b>important</b> & "urgent"', 'Ça a bien cicatrisé, je vous envoie une photo.'
]) AS vocabulary (words);

INSERT INTO "MessageAttachment"
    (id, "messageId", "fileName", "fileUrl", "fileType", "fileSize", "uploadThingKey", "createdAt")
SELECT pg_temp.cuid('file' || place, hashtext(id)), id, 'photo ' || place || '.webp',
    CASE WHEN place = 1 THEN 'https://utfs.io/f/' ELSE 'https://x1y2.ufs.sh/f/' END || id || '-' || place,
    'image/webp', 120000 + place, id || '-' || place, "createdAt"
FROM "Message", generate_series(1, 1 + abs(hashtext(id)) % 3) AS place WHERE type = 'IMAGE';

UPDATE "Conversation" AS here SET
    -- Every edit of the conversation moves it; a new message moves it a few milliseconds late.
    "lastMessageAt" = newest + CASE WHEN hashtext(here.id) % 11 = 0 THEN interval '3 days' ELSE interval '4 ms' END,
    "updatedAt" = newest + interval '4 ms'
FROM (SELECT "conversationId", max("createdAt") FROM "Message" GROUP BY 1) AS last (id, newest)
WHERE last.id = here.id;
