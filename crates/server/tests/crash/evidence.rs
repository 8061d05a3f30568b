//! What is on disk, against what was promised.

use std::collections::BTreeMap;

use testkit::{Fault, database::Database, fault::same, tokio_postgres::Client};

use crate::sender::Receipt;

type Stored = BTreeMap<(String, String), Vec<(String, i64, String)>>;

/// Everything promised is stored once, as promised, and the log has no gap.
pub(crate) async fn check(
    database: &Database,
    conversation: &str,
    receipts: &[Receipt],
) -> Result<(), Fault> {
    let client = database.client().await?;
    let stored = stored(&client, conversation).await?;
    for receipt in receipts {
        let key = (receipt.author.clone(), receipt.key.clone());
        let promised = (receipt.id.clone(), receipt.seq, receipt.content.clone());
        let found = stored.get(&key).cloned().unwrap_or_default();
        same(&format!("message {key:?}"), found, vec![promised])?;
    }
    same("the messages stored", stored.len(), receipts.len())?;
    gapless(&client, conversation).await
}

async fn stored(client: &Client, conversation: &str) -> Result<Stored, Fault> {
    let rows = client
        .query(
            "SELECT CASE author_side WHEN 'salon' THEN c.salon_id ELSE c.client_id END::text,
                    client_message_id::text, m.id::text, seq, content
             FROM messaging.message m JOIN messaging.conversation c ON c.id = m.conversation_id
             WHERE m.conversation_id::text = $1",
            &[&conversation],
        )
        .await
        .map_err(Fault::while_doing("read the messages"))?;
    let mut stored = Stored::new();
    for row in rows {
        let copies = stored.entry((row.get(0), row.get(1))).or_default();
        copies.push((row.get(2), row.get(3), row.get(4)));
    }
    Ok(stored)
}

async fn gapless(client: &Client, conversation: &str) -> Result<(), Fault> {
    let row = client
        .query_one(
            "SELECT count(*), min(e.seq), max(e.seq), max(c.last_seq)
             FROM messaging.event e JOIN messaging.conversation c ON c.id = e.conversation_id
             WHERE e.conversation_id::text = $1",
            &[&conversation],
        )
        .await
        .map_err(Fault::while_doing("read the log"))?;
    let (events, first, last, counted): (i64, i64, i64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    same("the log's positions", (first, last), (1, events))?;
    same("the conversation's last position", counted, last)
}
