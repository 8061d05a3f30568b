-- Invalid rows: they violate our rules, or those of the former application.
INSERT INTO "User" (id, email, "firstName", "lastName", image, role, password, "updatedAt")
SELECT odd.*, 'not a real hash', timestamp '2025-02-03' FROM (VALUES
    ('codd-long-name00000000000', 'long@mail.example', repeat('Abel ', 60), 'Roux', NULL, 'client'::"Role"),
    ('codd-controls000000000000', 'controls@mail.example', E'Ana\u0007ïs', E'\u001b[31m', NULL, 'client'),
    ('codd-owner000000000000000', repeat('x', 260) || '@mail.example', NULL, NULL, repeat('y', 3000), 'user'),
    ('an id with blanks', 'blank@mail.example', 'Blank', NULL, NULL, 'client')
) AS odd;

INSERT INTO "Conversation" (id, "salonId", "clientUserId", "appointmentId", subject, "createdAt", "updatedAt", "lastMessageAt")
SELECT id, coalesce(salon, pg_temp.cuid('salon', 0)), coalesce(client, pg_temp.cuid('client', 0)), appointment, subject, at, at, at
FROM (VALUES (timestamp '2025-02-03 09:00')) AS moment (at), (VALUES
    ('codd-alone000000000000000', pg_temp.cuid('salon', 0), pg_temp.cuid('salon', 0), NULL, 'Tout seul'),
    ('codd-orphan00000000000000', NULL, 'cgone00000000000000000000', NULL, 'Compte supprimé'),
    ('an odd conversation', NULL, NULL, NULL, 'Identifiant impossible'),
    ('codd-blank-client00000000', NULL, 'an id with blanks', NULL, NULL),
    ('codd-silent00000000000000', NULL, NULL, NULL, 'Personne ne parle'),
    ('codd-subject0000000000000', NULL, NULL, 'not/an/appointment', repeat('Sujet ', 50)),
    ('codd-messages000000000000', NULL, NULL, NULL, E'Sujet\u0001')
) AS odd (id, salon, client, appointment, subject);

INSERT INTO "Message" (id, "conversationId", "senderId", content, type, "isRead", "readAt", "createdAt", "updatedAt")
SELECT id, coalesce(place, 'codd-messages000000000000'), coalesce(author, pg_temp.cuid('client', 0)), content,
    kind::"MessageType", is_read, CASE WHEN is_read THEN at END, at, at
FROM (VALUES
    ('codd-m01', NULL, 'cadmin0000000000000000000', 'Je passe par là', 'TEXT', false, 1),
    ('codd-m02', NULL, NULL, '', 'TEXT', false, 2),
    ('codd-m03', NULL, NULL, repeat('très long ', 2500), 'TEXT', true, 3),
    ('codd-m04', NULL, NULL, E'bip\u0007\u000be\u0301t\u00e9\u202e\r\nbip', 'TEXT', false, 4),
    ('codd-m05', NULL, NULL, '', 'IMAGE', false, 5),
    ('codd-m06', NULL, NULL, 'Sept photos', 'IMAGE', false, 6),
    ('codd-m07', NULL, NULL, 'Une bonne, quatre mauvaises', 'IMAGE', false, 7),
    ('an odd message', NULL, NULL, 'Identifiant impossible', 'TEXT', false, 8),
    ('codd-m09', NULL, NULL, E'\u0001\u0002', 'TEXT', false, 9),
    ('codd-m11', 'codd-orphan00000000000000', 'cgone00000000000000000000', 'Je pars', 'TEXT', true, 11),
    ('codd-m12', 'codd-orphan00000000000000', pg_temp.cuid('salon', 0), 'Au revoir', 'SYSTEM', false, 12)
) AS odd (id, place, author, content, kind, is_read, minute),
    LATERAL (SELECT timestamp '2025-02-03 10:00' + minute * interval '1 min') AS moment (at);

INSERT INTO "MessageAttachment" (id, "messageId", "fileName", "fileUrl", "fileType", "fileSize", "uploadThingKey", "createdAt")
SELECT id, message, name, url, type, size, 'key', timestamp '2025-02-03 10:00' FROM (VALUES
    ('codd-f01', 'codd-m05', 'a.webp', 'https://evil.example/f/a', 'image/webp', 10),
    ('codd-f02', 'codd-m07', 'a.webp', 'http://utfs.io/f/a', 'image/webp', 10),
    ('codd-f03', 'codd-m07', 'a.svg', 'https://utfs.io/f/b', 'image/svg+xml', 10),
    ('codd-f04', 'codd-m07', 'a.webp', 'https://utfs.io/f/c', 'image/webp', 10485761),
    ('codd-f05', 'codd-m07', 'a.webp', 'https://utfs.io.evil.example/f/d', 'image/webp', 10),
    ('codd-f06', 'codd-m07', '../../etc/passwd', 'https://utfs.io/f/e', 'image/webp', 10)
) AS odd (id, message, name, url, type, size)
UNION ALL
SELECT 'codd-seven' || n, 'codd-m06', n || '.webp', 'https://utfs.io/f/' || n, 'image/webp', 10, 'key' || n, timestamp '2025-02-03 10:00'
FROM generate_series(1, 7) AS n;

INSERT INTO "MessageNotification" (id, "conversationId", "userId", "unreadCount", "updatedAt")
SELECT 'codd-stranger-' || n, pg_temp.cuid('conversation', n), 'cadmin0000000000000000000', 1, timestamp '2025-02-03'
FROM generate_series(1, 3) AS n;

INSERT INTO "NotificationPreference" (id, "userId", "emailFrequency", "mutedConversations", "updatedAt") VALUES
    ('codd-p1', 'cgone00000000000000000000', 'DAILY', NULL, timestamp '2025-02-03'),
    ('codd-p2', 'cadmin0000000000000000000', 'WEEKLY', ARRAY['nowhere', pg_temp.cuid('conversation', 1)], timestamp '2025-02-03');

INSERT INTO "EmailNotificationQueue" (id, "conversationId", "recipientUserId", "createdAt", "updatedAt") VALUES
    ('codd-q1', pg_temp.cuid('conversation', 1), 'cadmin0000000000000000000', timestamp '2025-02-03', timestamp '2025-02-03'),
    ('codd-q2', 'codd-alone000000000000000', pg_temp.cuid('salon', 0), timestamp '2025-02-03', timestamp '2025-02-03'),
    ('codd-q3', 'codd-orphan00000000000000', pg_temp.cuid('salon', 0), timestamp '2025-02-03', timestamp '2025-02-03');
