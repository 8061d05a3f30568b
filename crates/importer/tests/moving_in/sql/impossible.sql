-- Constraints that a dump may have lost.
ALTER TABLE "Message" ALTER content DROP NOT NULL, ALTER "isRead" DROP NOT NULL;
INSERT INTO "User" (id, email, password, role, "updatedAt") VALUES
    ('cbad-salon', 's@bad.example', '', 'user_salon', 'infinity'), ('cbad-client', 'c@bad.example', '', 'client', 'infinity');
INSERT INTO "Conversation" (id, "salonId", "clientUserId", "createdAt", "updatedAt", "lastMessageAt") VALUES
    ('cbad-far', 'cbad-salon', 'cbad-client', '2025-03-01', '20260-01-01', 'infinity'),
    ('cbad-no-time', 'cbad-salon', 'cbad-client', 'infinity', '-infinity', '20260-01-01'),
    ('cbad-opened', 'cbad-salon', 'cbad-client', '-infinity', '2025-03-02', '2025-03-02');
INSERT INTO "Message" (id, "conversationId", "senderId", content, "isRead", "readAt", "createdAt", "updatedAt") VALUES
    ('cbad-m-fine', 'cbad-opened', 'cbad-salon', 'Bonjour', true, 'infinity', '2025-03-02', '2025-03-02'),
    ('cbad-m-far', 'cbad-opened', 'cbad-salon', 'Plus tard', false, NULL, '20260-01-01', '2025-03-02'),
    ('cbad-m-infinite', 'cbad-opened', 'cbad-salon', 'Jamais', false, NULL, 'infinity', '2025-03-02'),
    ('cbad-m-nothing', 'cbad-opened', 'cbad-salon', NULL, NULL, NULL, '2025-03-02', '2025-03-02'),
    ('cbad-m-past', 'cbad-opened', 'cbad-salon', 'Toujours', false, NULL, '-infinity', '2025-03-02'),
    ('cbad-m-inside', 'cbad-no-time', 'cbad-salon', 'Perdu', false, NULL, 'infinity', '2025-03-02');
INSERT INTO "EmailNotificationQueue" (id, "conversationId", "recipientUserId", "createdAt", "updatedAt") VALUES
    ('codd-bad1', 'cbad-far', 'cbad-client', 'infinity', '2025-03-02'),
    ('codd-bad2', 'cbad-opened', 'cbad-client', '20260-01-01', '2025-03-02'),
    ('codd-bad3', 'cbad-opened', 'cbad-client', '2025-03-02', '2025-03-02');
