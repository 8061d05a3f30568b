//! Whether the source is what we take it for.

use tokio_postgres::Client;

use crate::ImportError;

/// All that is read.
pub(super) const TABLES: [(&str, &[&str]); 7] = [
    ("User", &["id", "email", "firstName", "lastName", "salonName", "image", "role"]),
    (
        "Conversation",
        &[
            "id",
            "salonId",
            "clientUserId",
            "appointmentId",
            "subject",
            "status",
            "createdAt",
            "updatedAt",
            "lastMessageAt",
        ],
    ),
    (
        "Message",
        &[
            "id",
            "conversationId",
            "senderId",
            "content",
            "type",
            "isRead",
            "readAt",
            "archivedAt",
            "createdAt",
        ],
    ),
    (
        "MessageAttachment",
        &[
            "id",
            "messageId",
            "fileName",
            "fileUrl",
            "fileType",
            "fileSize",
            "uploadThingKey",
            "createdAt",
        ],
    ),
    ("MessageNotification", &["conversationId", "userId", "unreadCount"]),
    (
        "NotificationPreference",
        &["userId", "emailNotificationsEnabled", "emailFrequency", "mutedConversations"],
    ),
    (
        "EmailNotificationQueue",
        &["conversationId", "recipientUserId", "messageCount", "status", "createdAt"],
    ),
];

const MISSING: &str = "
SELECT wanted.name FROM unnest($2::text[]) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_attribute AS here
    WHERE here.attrelid = to_regclass(quote_ident($1)) AND here.attname = wanted.name AND NOT here.attisdropped
)";

pub(super) async fn check(client: &Client) -> Result<(), ImportError> {
    let mut missing = Vec::new();
    for (table, columns) in TABLES {
        let rows = client.query(MISSING, &[&table, &columns]).await?;
        for row in rows {
            missing.push(format!("\"{table}\".\"{}\"", row.try_get::<_, &str>(0)?));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ImportError::NotTheFormerSystem(missing.join(", ")))
}
