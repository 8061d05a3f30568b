//! Everything a person can see through the API, for comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    Fault,
    rest::{Rest, fetch},
};

const LISTED: &str = "/messaging/conversations?limit=100";

/// Everything one person can see.
#[derive(Clone)]
pub(super) struct Snapshot {
    /// In the order of the list.
    conversations: Vec<Value>,
    messages: BTreeMap<String, Vec<Value>>,
    unread: i64,
    preferences: Value,
    /// By path, without the signature.
    pictures: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    /// Loads everything the client's person can see now.
    pub(super) async fn to(rest: &Rest) -> Result<Self, Fault> {
        let total = rest.get("/messaging/conversations/unread/total").await?.expect(200)?;
        let preferences = rest.get("/notification-preferences").await?.expect(200)?;
        let mut snapshot = Self {
            conversations: pages(rest, LISTED).await?,
            messages: BTreeMap::new(),
            unread: total["totalUnread"].as_i64().unwrap_or(-1),
            preferences,
            pictures: BTreeMap::new(),
        };
        let ids: Vec<_> = snapshot.conversations.iter().map(id_of).collect();
        for id in ids {
            let path = format!("/messaging/conversations/{id}/messages?limit=100");
            snapshot.messages.insert(id, pages(rest, &path).await?);
        }
        snapshot.load_pictures().await?;
        Ok(snapshot)
    }

    /// The number of messages.
    pub(super) fn messages(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    /// The number of pictures, thumbnails included.
    pub(super) fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// The first part that differs from the other snapshot, if any.
    pub(super) fn differing(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            ("the list of conversations", self.conversations == other.conversations),
            ("messages", self.messages == other.messages),
            ("the unread total", self.unread == other.unread),
            ("preferences", self.preferences == other.preferences),
            ("pictures", self.pictures == other.pictures),
        ];
        parts.into_iter().find(|(_, is_same)| !is_same).map(|(part, _)| part)
    }

    /// The snapshot without these conversations.
    pub(super) fn without(mut self, hidden: &BTreeSet<String>) -> Self {
        let is_hidden = |entry: &Value| hidden.contains(&id_of(entry));
        let unread = |entry: &Value| entry["unreadCount"].as_i64().unwrap_or_default();
        let gone: i64 = self.conversations.iter().filter(|it| is_hidden(it)).map(unread).sum();
        self.unread -= gone;
        self.conversations.retain(|entry| !is_hidden(entry));
        let mut shown = BTreeSet::new();
        self.messages.retain(|id, _| !hidden.contains(id));
        self.messages.values_mut().flatten().for_each(|message| {
            each_link(message, &mut |link| {
                shown.insert(link.clone());
            });
        });
        self.pictures.retain(|link, _| shown.contains(link));
        self
    }

    /// Fetches every picture, and reduces each link to its stable path.
    async fn load_pictures(&mut self) -> Result<(), Fault> {
        let mut links = BTreeMap::new();
        let seen = self.conversations.iter_mut().chain(self.messages.values_mut().flatten());
        for value in seen {
            each_link(value, &mut |link| {
                let stable_path = stable_path(link);
                links.insert(stable_path.clone(), std::mem::replace(link, stable_path));
            });
        }
        for (stable_path, link) in links {
            let picture = fetch(&link).await?;
            if picture.status != 200 {
                return Err(Fault::new(format!("{stable_path}: status {}", picture.status)));
            }
            self.pictures.insert(stable_path, picture.bytes);
        }
        Ok(())
    }
}

/// All items of a paged list.
async fn pages(rest: &Rest, path: &str) -> Result<Vec<Value>, Fault> {
    let (mut items, mut next) = (Vec::new(), path.to_owned());
    loop {
        let mut page = rest.get(&next).await?.expect(200)?;
        match page["data"].take() {
            Value::Array(some) => items.extend(some),
            other => return Err(Fault::new(format!("a page without data: {other}"))),
        }
        let Some(cursor) = page["nextCursor"].as_str() else { return Ok(items) };
        next = format!("{path}&cursor={cursor}");
    }
}

fn id_of(entry: &Value) -> String {
    entry["id"].as_str().unwrap_or_default().to_owned()
}

/// Calls `f` with every link to a file of the service.
fn each_link(value: &mut Value, f: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) if text.contains("/messaging/files/") => f(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_link(item, f)),
        Value::Object(fields) => fields.values_mut().for_each(|field| each_link(field, f)),
        _ => {}
    }
}

/// The path of a link, without the server's address, expiry and signature.
fn stable_path(link: &str) -> String {
    let path = link.split('?').next().unwrap_or_default();
    path.find("/messaging/").map_or(path, |at| &path[at..]).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot() -> Snapshot {
        let listed = |id: &str, unread: i64| json!({ "id": id, "unreadCount": unread });
        let messages_with = |link: &str| vec![json!({ "attachments": [{ "fileUrl": link }] })];
        let (one, two) = ("/messaging/files/1", "/messaging/files/2");
        Snapshot {
            conversations: vec![listed("a", 2), listed("b", 3)],
            messages: [("a".to_owned(), messages_with(one)), ("b".to_owned(), messages_with(two))]
                .into(),
            unread: 5,
            preferences: Value::Null,
            pictures: [(one.to_owned(), vec![1]), (two.to_owned(), vec![2])].into(),
        }
    }

    #[test]
    fn without_a_conversation_its_messages_pictures_and_count_are_gone() {
        let left = snapshot().without(&BTreeSet::from(["a".to_owned()]));
        assert_eq!((left.unread, left.messages(), left.pictures()), (3, 1, 1));
        assert!(left.conversations.iter().map(id_of).eq(["b"]));
        assert_eq!(snapshot().without(&BTreeSet::new()).differing(&snapshot()), None);
        assert_eq!(left.differing(&snapshot()), Some("the list of conversations"));
    }

    #[test]
    fn of_a_link_only_its_path_lasts() {
        let link = "http://127.0.0.1:80/messaging/files/1/full?expires=1&signature=a";
        assert_eq!(stable_path(link), "/messaging/files/1/full");
    }
}
