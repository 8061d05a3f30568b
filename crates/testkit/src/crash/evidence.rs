//! What is on disk and on screens, against what was promised.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::{load::Receipt, watcher::View};
use crate::{Fault, database::Database};

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Acknowledged messages.
    pub acknowledged: usize,
    /// Of those, not stored as they were acknowledged.
    pub lost: usize,
    /// Messages stored more than once.
    pub doubled: usize,
    /// Stored messages that nobody acknowledged, although their senders went on until they were.
    pub unacknowledged: usize,
    /// Positions of logs that have no event, events beyond the last position, and messages without an
    /// event.
    pub holes: usize,
    /// Conversations with a counter that is not the count of its messages.
    pub wrong_counters: usize,
    /// Acknowledged messages that somebody who watched has not seen.
    pub unseen: usize,
    /// Messages seen over a socket.
    pub over_socket: usize,
    /// Messages seen in the log, on resuming.
    pub from_log: usize,
    /// Transactions that posted.
    pub transactions: usize,
    /// Of those, with several messages.
    pub batches: usize,
    /// The most messages in one transaction.
    pub largest_batch: usize,
    /// The number of transactions with as many.
    pub largest_batches: usize,
    /// The most conversations in one transaction.
    pub conversations_in_batch: usize,
    /// Groups of conversations that never shared a transaction with another group: the lanes, if no
    /// server was restarted and there is one.
    pub groups: usize,
}

/// Collects the evidence.
pub(super) async fn collect(
    database: &Database,
    receipts: &[Receipt],
    views: &[View],
) -> Result<Evidence, Fault> {
    let client = database.client().await?;
    let stored = stored(&client).await?;
    let promised: BTreeSet<_> = receipts.iter().map(of_receipt).collect();
    let distinct: BTreeSet<_> = stored.iter().collect();
    let contents: BTreeSet<_> =
        stored.iter().map(|stored| (&stored.conversation, &stored.content)).collect();
    let mut evidence = Evidence {
        acknowledged: receipts.len(),
        lost: promised.iter().filter(|promised| !distinct.contains(promised)).count(),
        doubled: stored.len() - contents.len(),
        unacknowledged: distinct.iter().filter(|stored| !promised.contains(stored)).count(),
        holes: number(&client, HOLES).await?,
        wrong_counters: number(&client, WRONG_COUNTERS).await?,
        unseen: unseen(receipts, views),
        over_socket: views.iter().map(|view| view.over_socket).sum(),
        from_log: views.iter().map(|view| view.from_log).sum(),
        ..Evidence::default()
    };
    evidence.count_batches(&client).await?;
    Ok(evidence)
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stored {
    conversation: String,
    author: String,
    key: String,
    id: String,
    seq: i64,
    content: String,
}

fn of_receipt(receipt: &Receipt) -> Stored {
    let Receipt { conversation, author, key, id, seq, content } = receipt.clone();
    Stored { conversation, author, key, id, seq, content }
}

async fn stored(client: &Client) -> Result<Vec<Stored>, Fault> {
    let rows = client
        .query(
            "SELECT c.id::text, CASE author_side WHEN 'salon' THEN salon_id ELSE client_id END::text,
                    coalesce(client_message_id::text, ''), m.id::text, seq, content::text
             FROM messaging.message m JOIN messaging.conversation c ON c.id = m.conversation_id",
            &[],
        )
        .await
        .map_err(Fault::while_doing("read the messages"))?;
    let stored = rows.iter().map(|row| Stored {
        conversation: row.get(0),
        author: row.get(1),
        key: row.get(2),
        id: row.get(3),
        seq: row.get(4),
        content: row.get(5),
    });
    Ok(stored.collect())
}

const HOLES: &str = "
SELECT
    (SELECT count(*) FROM messaging.conversation c, generate_series(1, c.last_seq) AS position (seq)
     WHERE NOT EXISTS (SELECT FROM messaging.event e
         WHERE e.conversation_id = c.id AND e.seq = position.seq))
    + (SELECT count(*) FROM messaging.event e JOIN messaging.conversation c ON c.id = e.conversation_id
       WHERE e.seq > c.last_seq OR e.seq < 1)
    + (SELECT count(*) FROM messaging.message m
       WHERE NOT EXISTS (SELECT FROM messaging.event e WHERE e.conversation_id = m.conversation_id
           AND e.seq = m.seq AND e.message_id = m.id AND e.kind = 'message_posted'))";

const WRONG_COUNTERS: &str = "
SELECT count(*) FROM messaging.conversation c CROSS JOIN LATERAL (
    SELECT count(*) AS messages,
        count(*) FILTER (WHERE author_side = 'client' AND seq > c.salon_read_seq) AS salon,
        count(*) FILTER (WHERE author_side = 'salon' AND seq > c.client_read_seq) AS client,
        coalesce(max(seq) FILTER (WHERE author_side = 'salon'), 0) AS newest_of_salon,
        coalesce(max(seq) FILTER (WHERE author_side = 'client'), 0) AS newest_of_client
    FROM messaging.message m WHERE m.conversation_id = c.id AND m.deleted_at IS NULL
) AS counted
WHERE (c.message_count, c.unread_by_salon, c.unread_by_client, c.salon_message_seq, c.client_message_seq)
    <> (messages, salon, client, newest_of_salon, newest_of_client)";

async fn number(client: &Client, sql: &str) -> Result<usize, Fault> {
    let row = client.query_one(sql, &[]).await.map_err(Fault::while_doing("count"))?;
    usize::try_from(row.get::<_, i64>(0)).map_err(Fault::while_doing("count"))
}

/// The acknowledged messages that the watcher of their conversation has not seen.
fn unseen(receipts: &[Receipt], views: &[View]) -> usize {
    let views: BTreeMap<_, _> =
        views.iter().map(|view| (view.conversation.as_str(), &view.messages)).collect();
    let is_seen = |receipt: &&Receipt| {
        let seen = views.get(receipt.conversation.as_str());
        seen.is_none_or(|seen| seen.get(&receipt.seq) == Some(&receipt.id))
    };
    receipts.len() - receipts.iter().filter(is_seen).count()
}

// Batches.

/// Rows of the log are never updated, so that each still names the transaction that inserted it.
const TRANSACTIONS: &str = "
SELECT xmin::text, conversation_id::text, count(*) FROM messaging.event
WHERE kind = 'message_posted' GROUP BY 1, 2";

impl Evidence {
    async fn count_batches(&mut self, client: &Client) -> Result<(), Fault> {
        let rows = client
            .query(TRANSACTIONS, &[])
            .await
            .map_err(Fault::while_doing("read which transaction wrote what"))?;
        let mut transactions: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
        for row in &rows {
            let messages = usize::try_from(row.get::<_, i64>(2)).unwrap_or_default();
            let (posted, conversations) = transactions.entry(row.get(0)).or_default();
            *posted += messages;
            conversations.push(row.get(1));
        }
        let sizes = || transactions.values().map(|(messages, _)| *messages);
        self.transactions = transactions.len();
        self.batches = sizes().filter(|size| *size > 1).count();
        self.largest_batch = sizes().max().unwrap_or_default();
        self.largest_batches = sizes().filter(|size| *size == self.largest_batch).count();
        let together: Vec<_> = transactions.into_values().map(|(_, together)| together).collect();
        self.conversations_in_batch = together.iter().map(Vec::len).max().unwrap_or_default();
        self.groups = groups(&together);
        Ok(())
    }
}

/// In how many groups all names fall, if those that are listed together are in one.
fn groups(together: &[Vec<String>]) -> usize {
    let mut groups: Vec<BTreeSet<&str>> = vec![];
    for names in together {
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let (touched, mut others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !group.is_disjoint(&names));
        others.push(touched.into_iter().flatten().chain(names).collect());
        groups = others;
    }
    groups.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ever_together_is_one_group() {
        let table: [(&[&[&str]], usize); 4] = [
            (&[], 0),
            (&[&["a"], &["b"], &["a"]], 2),
            (&[&["a", "b"], &["c"], &["b", "c"], &["d"]], 2),
            (&[&["a", "b"], &["c", "d"], &["d", "a"]], 1),
        ];
        for (together, count) in table {
            let owned: Vec<Vec<String>> = together
                .iter()
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect())
                .collect();
            assert_eq!(groups(&owned), count, "{together:?}");
        }
    }

    #[test]
    fn what_no_watcher_has_seen_is_counted() {
        let receipt = |seq, id: &str| Receipt {
            conversation: "c".to_owned(),
            author: "a".to_owned(),
            key: id.to_owned(),
            id: id.to_owned(),
            seq,
            content: String::new(),
        };
        let view = View {
            conversation: "c".to_owned(),
            messages: [(2, "x".to_owned()), (3, "other".to_owned())].into(),
            ..View::default()
        };
        let receipts = [receipt(2, "x"), receipt(3, "y"), receipt(4, "z")];
        assert_eq!(unseen(&receipts, &[view]), 2);
    }
}
