//! What the source holds, in a few bytes.

use domain::ports::Fingerprint;
use tokio_postgres::Client;

use crate::{ImportError, fingerprint::Sum};

/// A sum over all rows: it does not depend on their order, and one changed row changes it.
const STAMPS: [&str; 7] = [
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "User" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "Conversation" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "Message" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "MessageAttachment" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "MessageNotification" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "NotificationPreference" AS r"#,
    r#"SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)), 0)::text FROM "EmailNotificationQueue" AS r"#,
];

pub(super) async fn stamp(client: &Client) -> Result<Fingerprint, ImportError> {
    let mut sum = Sum::new();
    for query in STAMPS {
        let row = client.query_one(query, &[]).await?;
        sum.number(row.try_get(0)?);
        sum.text(row.try_get(1)?);
    }
    Ok(sum.finish())
}
