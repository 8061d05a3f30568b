//! The tables, rows and migrations in a database of the service.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::{Fault, database};

/// Every table except the migration history: quoted name, and columns that are not generated.
const TABLES: &str = "
SELECT format('%I.%I', t.table_schema, t.table_name),
    string_agg(quote_ident(c.column_name), ', ' ORDER BY c.ordinal_position)
FROM information_schema.tables AS t
JOIN information_schema.columns AS c USING (table_schema, table_name)
WHERE t.table_schema = 'messaging' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
    AND t.table_name NOT LIKE '\\_\\_diesel%'
GROUP BY 1 ORDER BY 1";
/// Versions only: the times of migrations differ between databases.
const MIGRATIONS: &str =
    "SELECT version::text FROM messaging.__diesel_schema_migrations ORDER BY 1";

/// A table and its columns that are not generated.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: String,
}

/// The tables of the service.
pub(super) async fn tables(client: &Client) -> Result<Vec<Table>, Fault> {
    let rows = client.query(TABLES, &[]).await.map_err(Fault::while_doing("list the tables"))?;
    Ok(rows.iter().map(|row| Table { name: row.get(0), columns: row.get(1) }).collect())
}

/// The applied migrations.
pub(super) async fn migrations(client: &Client) -> Result<Vec<String>, Fault> {
    let rows = client.query(MIGRATIONS, &[]).await;
    let rows = rows.map_err(Fault::while_doing("list the migrations"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// All rows of all tables as text, and the applied migrations, from one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(BTreeMap<String, Vec<String>>);

impl Rows {
    /// Reads the database with this URL.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of(url: &str) -> Result<Self, Fault> {
        let client = database::connect(url).await?;
        let begin = "SET TIME ZONE 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        client.batch_execute(begin).await.map_err(Fault::while_doing("begin a snapshot"))?;
        let mut all = BTreeMap::from([("migrations".to_owned(), migrations(&client).await?)]);
        for Table { name, .. } in tables(&client).await? {
            let sql = format!("SELECT r::text FROM {name} AS r ORDER BY 1");
            let rows = client.query(&sql, &[]).await;
            let rows = rows.map_err(Fault::while_doing(format!("read {name}")))?;
            all.insert(name, rows.iter().map(|row| row.get(0)).collect());
        }
        Ok(Self(all))
    }

    /// The number of rows.
    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The number of tables.
    pub fn tables(&self) -> usize {
        self.0.len()
    }

    /// The rows that only one of the two has, each prefixed with its table name.
    pub fn differing_from(&self, other: &Self) -> Vec<String> {
        let mut differing = self.missing_in(other);
        differing.extend(other.missing_in(self));
        differing
    }

    fn missing_in(&self, other: &Self) -> Vec<String> {
        let mut missing = Vec::new();
        for (table, rows) in &self.0 {
            let there = other.0.get(table).map(Vec::as_slice).unwrap_or_default();
            let lacks = |row: &&String| !there.contains(row);
            missing.extend(rows.iter().filter(lacks).map(|row| format!("{table} {row}")));
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_only_in_one_of_two_is_found() {
        let rows = |rows: &[&str]| {
            let rows = rows.iter().map(ToString::to_string).collect();
            Rows(BTreeMap::from([("t".to_owned(), rows)]))
        };
        let (one, other) = (rows(&["a", "b"]), rows(&["b", "c"]));
        assert_eq!(one.differing_from(&other), ["t a", "t c"]);
        assert_eq!((one.differing_from(&one), one.count()), (vec![], 2));
    }
}
