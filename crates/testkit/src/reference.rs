//! A database as the former application keeps it, with everything that went wrong there over the
//! years, to try moving in with. The same numbers make the same rows.

pub mod compare;

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
