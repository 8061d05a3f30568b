//! What the source holds, in a few bytes.

use domain::import::store::Fingerprint;
use tokio_postgres::Client;

use super::schema::TABLES;
use crate::{ImportError, fingerprint::Sum};

pub(super) async fn stamp(client: &Client) -> Result<Fingerprint, ImportError> {
    let mut sum = Sum::new();
    for (table, columns) in TABLES {
        let row = client.query_one(&query(table, columns), &[]).await?;
        sum.number(row.try_get(0)?);
        sum.text(row.try_get(1)?);
    }
    Ok(sum.finish())
}

/// A sum over all rows of what is read of them: it does not depend on their order, and one changed
/// row changes it. What else the platform keeps there, and writes at each login, changes nothing.
fn query(table: &str, columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("here.\"{column}\"")).collect();
    format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM \"{table}\" AS here",
        columns.join(", ")
    )
}
