//! Accounts.

use domain::import::former::{FormerPerson, Raw};
use tokio_postgres::Row;

use super::Source;
use crate::SourceError;

const PAGE: &str = r#"
SELECT id, role::text AS role, "firstName", "lastName", "salonName", image, email
FROM "User" WHERE id > $1 ORDER BY id LIMIT $2"#;

impl Source {
    /// The accounts behind the id `after`, in the order of the source.
    pub(crate) async fn people(
        &mut self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<FormerPerson>, SourceError> {
        let rows = self.client.query(PAGE, &[&after, &i64::from(rows_max)]).await?;
        rows.iter().map(person).collect()
    }
}

fn person(row: &Row) -> Result<FormerPerson, SourceError> {
    let detail = |column: &str| -> Result<Option<Raw>, SourceError> {
        Ok(row.try_get::<_, Option<String>>(column)?.map(Raw))
    };
    Ok(FormerPerson {
        id: Raw(row.try_get("id")?),
        role: row.try_get::<_, Option<String>>("role")?.unwrap_or_default(),
        first_name: detail("firstName")?,
        last_name: detail("lastName")?,
        salon_name: detail("salonName")?,
        image: detail("image")?,
        email: detail("email")?,
    })
}
