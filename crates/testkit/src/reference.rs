//! A database as the former application keeps it, with everything that went wrong there over the
//! years, to try moving in with. The same numbers make the same rows.

use tokio_postgres::Client;

use crate::Fault;

/// Tables, enums and foreign keys.
const SCHEMA: &str = include_str!("reference/schema.sql");
/// Accounts.
const PEOPLE: &str = include_str!("reference/people.sql");
/// Conversations and messages.
const TALK: &str = include_str!("reference/talk.sql");
/// Read flags, counters, preferences and mail that follow from these.
const AFTERMATH: &str = include_str!("reference/aftermath.sql");
/// What should not be there.
const ODDITIES: &str = include_str!("reference/oddities.sql");
/// Primary keys, indexes, and what the planner needs to know.
const INDEXES: &str = include_str!("reference/indexes.sql");
/// What happens while an application goes on.
const GOES_ON: &str = include_str!("reference/goes_on.sql");

/// How much is in it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Conversations, 50 or more; a few odd ones come on top.
    pub conversations: u32,
    /// Messages; a few odd ones come on top.
    pub messages: u32,
}

/// Fills the empty database that `client` is connected to.
///
/// # Errors
/// When the database refuses.
pub async fn fill(client: &Client, size: Size) -> Result<(), Fault> {
    let parts = [SCHEMA, PEOPLE, TALK, AFTERMATH, ODDITIES, INDEXES];
    for (part, sql) in
        ["tables", "people", "talk", "aftermath", "oddities", "indexes"].iter().zip(parts)
    {
        let sql = sql
            .replace(":conversations", &size.conversations.to_string())
            .replace(":messages", &size.messages.to_string());
        let doing = format!("make the {part} of the reference database");
        client.batch_execute(&sql).await.map_err(Fault::while_doing(doing))?;
    }
    Ok(())
}

/// Lets the application go on: messages come, are read and are deleted, people change their names.
///
/// # Errors
/// When the database refuses.
pub async fn go_on(client: &Client) -> Result<(), Fault> {
    client.batch_execute(GOES_ON).await.map_err(Fault::while_doing("let the application go on"))
}

// Whether what was taken over is what the former application kept. Plain SQL, which knows nothing
// of how it was taken over: both are in one database.

/// Rows that are on one side alone, of everything that is regular.
const DIFFERENCES: [(&str, &str); 6] = [
    ("people", include_str!("reference/compare/people.sql")),
    ("conversations", include_str!("reference/compare/conversations.sql")),
    ("messages", include_str!("reference/compare/messages.sql")),
    ("files", include_str!("reference/compare/files.sql")),
    ("preferences", include_str!("reference/compare/preferences.sql")),
    ("mail", include_str!("reference/compare/mail.sql")),
];

/// The kinds of rows of which there are some on one side alone, and how many. None, when everything
/// was taken over with its id, its time and its place.
///
/// # Errors
/// When the database refuses.
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
