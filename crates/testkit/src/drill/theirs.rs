//! What belongs to one person, by its ids.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use crate::{Fault, database};

const CONVERSATIONS: &str = "SELECT id::text FROM messaging.conversation WHERE client_id = $1";
/// Beside the conversations: what was said there, pictures and the places of their bytes, and the
/// archives of everybody who took part.
const REST: &str = "
WITH theirs AS (SELECT id, salon_id FROM messaging.conversation WHERE client_id = $1)
SELECT id::text FROM messaging.message WHERE conversation_id IN (SELECT id FROM theirs)
UNION SELECT unnest(ARRAY[a.object_key, a.thumbnail_key])::text FROM messaging.attachment AS a
    JOIN messaging.message AS m ON m.id = a.message_id WHERE m.conversation_id IN (SELECT id FROM theirs)
UNION SELECT object_key FROM messaging.export
    WHERE person_id = $1 OR person_id IN (SELECT salon_id FROM theirs)";

/// Of the bytes those that go with the person: what they sent themselves, and the archives.
const FILES: &str = "
WITH theirs AS (SELECT id, salon_id FROM messaging.conversation WHERE client_id = $1)
SELECT unnest(ARRAY[a.object_key, a.thumbnail_key])::text FROM messaging.attachment AS a
    JOIN messaging.message AS m ON m.id = a.message_id
    WHERE m.conversation_id IN (SELECT id FROM theirs) AND m.author_side = 'client'
UNION SELECT object_key FROM messaging.export
    WHERE person_id = $1 OR person_id IN (SELECT salon_id FROM theirs)";

/// The ids of a person and of everything that is theirs.
pub(super) struct Theirs {
    conversations: BTreeSet<String>,
    files: BTreeSet<String>,
    all: Vec<String>,
}

impl Theirs {
    /// What belongs to a client.
    pub(super) async fn of(url: &str, client: &str) -> Result<Self, Fault> {
        let database = database::connect(url).await?;
        let conversations = ids(&database, CONVERSATIONS, client).await?;
        let files = ids(&database, FILES, client).await?;
        let mut all = vec![client.to_owned()];
        all.extend(conversations.iter().cloned());
        all.extend(ids(&database, REST, client).await?);
        Ok(Self { conversations, files, all })
    }

    /// The conversations.
    pub(super) fn conversations(&self) -> &BTreeSet<String> {
        &self.conversations
    }

    /// What is left of these files when theirs are gone.
    pub(super) fn without_files(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut left = files.clone();
        left.retain(|name, _| !self.files.contains(name));
        left
    }

    /// Whether a row is about anything of it.
    pub(super) fn are_named_in(&self, row: &str) -> bool {
        let mut words = row.split(|c: char| !(c.is_ascii_alphanumeric() || "-_/".contains(c)));
        words.any(|word| self.all.iter().any(|id| id == word))
    }
}

async fn ids(database: &Client, sql: &str, client: &str) -> Result<BTreeSet<String>, Fault> {
    let rows = database.query(sql, &[&client]).await;
    let rows = rows.map_err(Fault::while_doing("look for what is theirs"))?;
    Ok(rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_about_an_id_only_when_it_names_it_whole() {
        let (conversations, files) = (BTreeSet::new(), BTreeSet::new());
        let theirs = Theirs { conversations, files, all: vec!["client-0".to_owned()] };
        assert!(theirs.are_named_in("messaging.participant (client-0,client,\"\")"));
        assert!(!theirs.are_named_in("messaging.participant (client-01,client,\"\")"));
    }
}
