//! Mail that waits.

use domain::import::former::{LegacyMail, Raw};
use tokio_postgres::Row;

use super::{Source, number, text, time};
use crate::SourceError;

const PAGE: &str = include_str!("mail.sql");
const CLOSED: &str = r#"SELECT count(*) FROM "EmailNotificationQueue" AS queued WHERE queued.status::text <> 'PENDING'"#;

impl Source {
    /// The waiting mail behind that of `conversation` to `recipient`, in the order of the source.
    pub(crate) async fn mail(
        &mut self,
        (conversation, recipient): (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let rows_max = i64::from(rows_max);
        let rows = self.client.query(PAGE, &[&conversation, &recipient, &rows_max]).await?;
        rows.iter().map(mail).collect()
    }

    /// How many mails were sent or given up.
    pub(crate) async fn closed_mail(&self) -> Result<u64, SourceError> {
        let count: i64 = self.client.query_one(CLOSED, &[]).await?.try_get(0)?;
        Ok(count.unsigned_abs())
    }
}

fn mail(row: &Row) -> Result<LegacyMail, SourceError> {
    let rows = number(row, "row_count")?;
    Ok(LegacyMail {
        conversation: Raw(text(row, "conversationId")?),
        recipient: Raw(text(row, "recipientUserId")?),
        takes_part: row.try_get("takes_part")?,
        rows: rows.unsigned_abs(),
        messages: number(row, "messages")?,
        since: time(row, "since")?,
        impossible_dates: number(row, "impossible_dates")?.unsigned_abs(),
    })
}
