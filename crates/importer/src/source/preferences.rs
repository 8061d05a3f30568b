//! What people want to be told of by mail.

use domain::import::former::{LegacyPreference, Raw};
use tokio_postgres::Row;

use super::{Source, Text, flag, text};
use crate::SourceError;

const PAGE: &str = include_str!("preferences.sql");

impl Source {
    /// The preferences behind the person `after`, in the order of the source.
    pub(crate) async fn preferences(
        &mut self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<LegacyPreference>, SourceError> {
        let rows = self.client.query(PAGE, &[&after, &i64::from(rows_max)]).await?;
        rows.iter().map(preference).collect()
    }
}

fn preference(row: &Row) -> Result<LegacyPreference, SourceError> {
    let muted: Vec<Text> = row.try_get("muted")?;
    let elsewhere: i64 = row.try_get("muted_elsewhere")?;
    Ok(LegacyPreference {
        person: Raw(text(row, "userId")?),
        person_is_known: row.try_get("person_known")?,
        mail_enabled: flag(row, "emailNotificationsEnabled")?,
        frequency: text(row, "emailFrequency")?,
        muted: muted.into_iter().map(|Text(id)| Raw(id)).collect(),
        muted_elsewhere: elsewhere.unsigned_abs(),
    })
}
