//! A database in the schema of the former application, including invalid rows, to test the import.
//! The same sizes always generate the same rows.

use tokio_postgres::Client;

use crate::Fault;

/// Tables, enums and foreign keys.
const SCHEMA: &str = include_str!("reference/schema.sql");
/// Users.
const PEOPLE: &str = include_str!("reference/people.sql");
/// Conversations and messages.
const CONVERSATIONS: &str = include_str!("reference/talk.sql");
/// Read flags, counters, preferences and mail derived from these.
const DERIVED_STATE: &str = include_str!("reference/aftermath.sql");
/// Invalid rows.
const ODDITIES: &str = include_str!("reference/oddities.sql");
/// Primary keys, indexes and planner statistics.
const INDEXES: &str = include_str!("reference/indexes.sql");
/// Changes between two imports.
const LATER_CHANGES: &str = include_str!("reference/goes_on.sql");

/// The size of the database.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Conversations, at least 50; a few invalid ones are added.
    pub conversations: u32,
    /// Messages; a few invalid ones are added.
    pub messages: u32,
}

/// Fills the empty database that `client` is connected to.
///
/// # Errors
/// When a statement fails.
pub async fn fill(client: &Client, size: Size) -> Result<(), Fault> {
    let parts = [SCHEMA, PEOPLE, CONVERSATIONS, DERIVED_STATE, ODDITIES, INDEXES];
    for (part, sql) in
        ["tables", "users", "conversations", "derived state", "invalid rows", "indexes"]
            .iter()
            .zip(parts)
    {
        let sql = sql
            .replace(":conversations", &size.conversations.to_string())
            .replace(":messages", &size.messages.to_string());
        let doing = format!("make the {part} of the reference database");
        client.batch_execute(&sql).await.map_err(Fault::while_doing(doing))?;
    }
    Ok(())
}

/// Simulates further use of the former application: new, read and deleted messages, changed names.
///
/// # Errors
/// When a statement fails.
pub async fn go_on(client: &Client) -> Result<(), Fault> {
    client.batch_execute(LATER_CHANGES).await.map_err(Fault::while_doing("simulate further use"))
}

// Compares the imported rows with those of the former application, by SQL that is independent of the
// importer. Both are in one database.

/// Queries for valid rows that exist on one side only.
const DIFFERENCES: [(&str, &str); 6] = [
    ("people", include_str!("reference/compare/people.sql")),
    ("conversations", include_str!("reference/compare/conversations.sql")),
    ("messages", include_str!("reference/compare/messages.sql")),
    ("files", include_str!("reference/compare/files.sql")),
    ("preferences", include_str!("reference/compare/preferences.sql")),
    ("mail", include_str!("reference/compare/mail.sql")),
];

/// The kinds of rows that differ, with the number of rows on one side only. Empty when everything was
/// imported with its id, time and position.
///
/// # Errors
/// When a statement fails.
pub async fn differences(client: &Client) -> Result<Vec<(&'static str, i64)>, Fault> {
    let mut differing = Vec::new();
    for (what, sql) in DIFFERENCES {
        let sql = format!("SELECT count(*) FROM ({sql}) AS differences");
        let count = client.query_one(&sql, &[]).await;
        let count = count.map_err(Fault::while_doing(format!("compare {what}")))?.get(0);
        if count > 0 {
            differing.push((what, count));
        }
    }
    Ok(differing)
}
