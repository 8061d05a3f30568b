//! Accounts.

use domain::import::former::{LegacyPerson, Raw};
use tokio_postgres::Row;

use super::{Source, maybe_text, text};
use crate::SourceError;

const PAGE: &str = r#"
SELECT person.id, person.role::text AS role, person."firstName", person."lastName", person."salonName",
    person.image, person.email
FROM "User" AS person WHERE person.id > $1 ORDER BY person.id LIMIT $2"#;

impl Source {
    /// The accounts behind the id `after`, in the order of the source.
    pub(crate) async fn people(
        &mut self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<LegacyPerson>, SourceError> {
        let rows = self.client.query(PAGE, &[&after, &i64::from(rows_max)]).await?;
        rows.iter().map(person).collect()
    }
}

fn person(row: &Row) -> Result<LegacyPerson, SourceError> {
    let detail = |column: &str| -> Result<Option<Raw>, SourceError> {
        Ok(maybe_text(row, column)?.map(Raw))
    };
    Ok(LegacyPerson {
        id: Raw(text(row, "id")?),
        role: text(row, "role")?,
        first_name: detail("firstName")?,
        last_name: detail("lastName")?,
        salon_name: detail("salonName")?,
        image: detail("image")?,
        email: detail("email")?,
    })
}
