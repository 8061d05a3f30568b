-- The tables of the former application, as described by its contract.
CREATE TYPE "ConversationStatus" AS ENUM ('ACTIVE', 'ARCHIVED');
CREATE TYPE "MessageType" AS ENUM ('TEXT', 'SYSTEM', 'IMAGE', 'FILE');

CREATE TYPE "Role" AS ENUM ('admin', 'user', 'user_salon', 'user_tatoueur', 'client', 'formateur');
CREATE TYPE "SaasPlan" AS ENUM ('FREE', 'PRO', 'BUSINESS');
CREATE TYPE "Prestation" AS ENUM ('TATTOO', 'PIERCING', 'RETOUCHE', 'PROJET');
CREATE TYPE "AppointmentStatus" AS ENUM
    ('PENDING', 'CONFIRMED', 'DECLINED', 'CANCELED', 'RESCHEDULING', 'NO_SHOW', 'COMPLETED');

-- The platform's tables have more columns than messaging reads, some with names that messaging uses
-- differently: "salonId" of a user is the salon an artist belongs to.
CREATE TABLE "User" (
    id text NOT NULL,
    email text NOT NULL,
    "emailVerified" timestamp(3),
    password text NOT NULL,
    "firstName" text,
    "lastName" text,
    "salonName" text,
    image text,
    "profileImage" text,
    phone text,
    address text,
    city text,
    "postalCode" text,
    instagram text,
    website text,
    facebook text,
    tiktok text,
    description text,
    "salonHours" text,
    "salonPhotos" text[],
    "isInspirationSalon" boolean NOT NULL DEFAULT true,
    role "Role" NOT NULL DEFAULT 'user',
    "saasPlan" "SaasPlan" NOT NULL DEFAULT 'FREE',
    "saasPlanUntil" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    prestations text[],
    style text[],
    "verifiedSalon" boolean NOT NULL DEFAULT false,
    "addConfirmationEnabled" boolean NOT NULL DEFAULT false,
    "appointmentBookingEnabled" boolean NOT NULL DEFAULT false,
    "projectAppointmentDurationMinutes" integer NOT NULL DEFAULT 60,
    "projectAppointmentIsFree" boolean NOT NULL DEFAULT true,
    "projectAppointmentPrice" double precision,
    "followUpEmailDelayDays" integer NOT NULL DEFAULT 7,
    "retouchEmailDelayDays" integer NOT NULL DEFAULT 30,
    "salonCanViewAppointments" boolean NOT NULL DEFAULT true,
    "salonCanCreateAppointments" boolean NOT NULL DEFAULT true,
    "colorProfile" text NOT NULL DEFAULT 'default',
    "colorProfileBis" text NOT NULL DEFAULT 'default',
    "stripeCustomerId" text,
    "stripeSubscriptionId" text,
    "salonId" text
);
CREATE TABLE "Appointment" (
    id text NOT NULL,
    title text NOT NULL,
    prestation "Prestation" NOT NULL,
    start timestamp(3) NOT NULL,
    "end" timestamp(3) NOT NULL,
    "allDay" boolean NOT NULL DEFAULT false,
    status "AppointmentStatus" NOT NULL DEFAULT 'PENDING',
    "isPayed" boolean NOT NULL DEFAULT false,
    "userId" text NOT NULL,
    "tatoueurId" text,
    "performerUserId" text,
    "clientId" text,
    "clientUserId" text,
    skin text,
    "tattooDetailId" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    visio boolean NOT NULL DEFAULT false,
    "visioRoom" text,
    "followUp7SentAt" timestamp(3),
    "followUp30SentAt" timestamp(3),
    "moodboardId" text
);
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

-- Functions that generate rows: ids in the format of the former application, and pseudo-random numbers
-- that are the same on every run.
CREATE FUNCTION pg_temp.cuid(what text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT 'c' || substr(md5(what || n), 1, 24) $$;
CREATE FUNCTION pg_temp.dice(n bigint, seed bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT (hashint8extended(n, seed) & 2147483647) % sides $$;
