-- The tables of the former application, as its contract describes them.
CREATE TYPE "ConversationStatus" AS ENUM ('ACTIVE', 'ARCHIVED');
CREATE TYPE "MessageType" AS ENUM ('TEXT', 'SYSTEM', 'IMAGE', 'FILE');

CREATE TABLE "User" (
    id text NOT NULL,
    email text NOT NULL,
    password text,
    "firstName" text,
    "lastName" text,
    "salonName" text,
    image text,
    role text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "Appointment" (id text NOT NULL, "userId" text NOT NULL, "clientUserId" text);
CREATE TABLE "Conversation" (
    id text NOT NULL,
    "salonId" text NOT NULL,
    "clientUserId" text NOT NULL,
    "appointmentId" text,
    subject text,
    status "ConversationStatus" NOT NULL DEFAULT 'ACTIVE',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    "lastMessageAt" timestamp(3) NOT NULL
);
CREATE TABLE "Message" (
    id text NOT NULL,
    "conversationId" text NOT NULL,
    "senderId" text NOT NULL,
    content text NOT NULL,
    type "MessageType" NOT NULL DEFAULT 'TEXT',
    "isRead" boolean NOT NULL DEFAULT false,
    "readAt" timestamp(3),
    "archivedAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);
CREATE TABLE "MessageAttachment" (
    id text NOT NULL,
    "messageId" text NOT NULL,
    "fileName" text NOT NULL,
    "fileUrl" text NOT NULL,
    "fileType" text NOT NULL,
    "fileSize" integer NOT NULL,
    "uploadThingKey" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "MessageNotification" (
    id text NOT NULL,
    "conversationId" text NOT NULL,
    "userId" text NOT NULL,
    "unreadCount" integer NOT NULL DEFAULT 0,
    "lastUnreadAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);
CREATE TABLE "NotificationPreference" (
    id text NOT NULL,
    "userId" text NOT NULL,
    "emailNotificationsEnabled" boolean NOT NULL DEFAULT true,
    "emailFrequency" text NOT NULL DEFAULT 'IMMEDIATE',
    "mutedConversations" text[] DEFAULT ARRAY[]::text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);
CREATE TABLE "EmailNotificationQueue" (
    id text NOT NULL,
    "conversationId" text NOT NULL,
    "recipientUserId" text NOT NULL,
    "messageCount" integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'PENDING',
    "sentAt" timestamp(3),
    "failureReason" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL
);

-- What the rows are made with: ids as the former application made them, and dice that always fall
-- the same way.
CREATE FUNCTION pg_temp.cuid(what text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT 'c' || substr(md5(what || n), 1, 24) $$;
CREATE FUNCTION pg_temp.dice(n bigint, seed bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT (hashint8extended(n, seed) & 2147483647) % sides $$;
