-- Foreign keys are NOT VALID: the invalid rows are older than the constraints.
ALTER TABLE "User" ADD PRIMARY KEY (id);
ALTER TABLE "Appointment" ADD PRIMARY KEY (id);
ALTER TABLE "Conversation" ADD PRIMARY KEY (id), ADD UNIQUE ("appointmentId"),
    ADD UNIQUE ("salonId", "clientUserId", "appointmentId");
ALTER TABLE "Message" ADD PRIMARY KEY (id);
ALTER TABLE "MessageAttachment" ADD PRIMARY KEY (id);
ALTER TABLE "MessageNotification" ADD PRIMARY KEY (id), ADD UNIQUE ("conversationId", "userId");
ALTER TABLE "NotificationPreference" ADD PRIMARY KEY (id), ADD UNIQUE ("userId");
ALTER TABLE "EmailNotificationQueue" ADD PRIMARY KEY (id);

CREATE INDEX ON "Conversation" ("salonId", "lastMessageAt");
CREATE INDEX ON "Conversation" ("clientUserId", "lastMessageAt");
CREATE INDEX ON "Conversation" (status);
CREATE INDEX ON "Message" ("conversationId", "createdAt");
CREATE INDEX ON "Message" ("senderId");
CREATE INDEX ON "Message" ("isRead");
CREATE INDEX ON "Message" ("archivedAt");
CREATE INDEX ON "MessageAttachment" ("messageId");
CREATE INDEX ON "MessageNotification" ("userId");
CREATE INDEX ON "MessageNotification" ("unreadCount");
CREATE INDEX ON "EmailNotificationQueue" ("recipientUserId");
CREATE INDEX ON "EmailNotificationQueue" (status);
CREATE INDEX ON "EmailNotificationQueue" ("conversationId");

ALTER TABLE "User" ADD FOREIGN KEY ("salonId") REFERENCES "User" ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;
ALTER TABLE "Conversation"
    ADD FOREIGN KEY ("salonId") REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD FOREIGN KEY ("clientUserId") REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD FOREIGN KEY ("appointmentId") REFERENCES "Appointment" ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;
ALTER TABLE "Message"
    ADD FOREIGN KEY ("conversationId") REFERENCES "Conversation" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD FOREIGN KEY ("senderId") REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE "MessageAttachment"
    ADD FOREIGN KEY ("messageId") REFERENCES "Message" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE "MessageNotification"
    ADD FOREIGN KEY ("conversationId") REFERENCES "Conversation" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD FOREIGN KEY ("userId") REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE "NotificationPreference"
    ADD FOREIGN KEY ("userId") REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE "EmailNotificationQueue"
    ADD FOREIGN KEY ("conversationId") REFERENCES "Conversation" ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;

ANALYZE "User", "Conversation", "Message", "MessageAttachment", "MessageNotification",
    "NotificationPreference", "EmailNotificationQueue";
