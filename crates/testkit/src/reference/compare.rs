//! Whether what was taken over is what the former application kept. Plain SQL, which knows nothing
//! of how it was taken over: both are in one database.

use tokio_postgres::Client;

use crate::Fault;

/// Rows that are on one side alone, of everything that is regular.
const DIFFERENCES: [(&str, &str); 6] = [
    ("people", include_str!("compare/people.sql")),
    ("conversations", include_str!("compare/conversations.sql")),
    ("messages", include_str!("compare/messages.sql")),
    ("files", include_str!("compare/files.sql")),
    ("preferences", include_str!("compare/preferences.sql")),
    ("mail", include_str!("compare/mail.sql")),
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
