//! What is there when one asks afresh.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Fault, rest::Rest, stage::text};

/// Messages by position.
pub(super) type Messages = BTreeMap<i64, Shown>;

/// A message as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) content: String,
    pub(super) author: String,
    /// Whether the other side has read it.
    pub(super) is_read: bool,
}

/// One message, as an event or a page tells it, and its position.
pub(super) fn message(value: &Value) -> Result<(i64, Shown), Fault> {
    let lacks = |what: &str| Fault::new(format!("a message without {what}"));
    let shown = Shown {
        id: text(value, "id")?,
        content: text(value, "content")?,
        author: text(&value["sender"], "id")?,
        is_read: value["isRead"].as_bool().ok_or_else(|| lacks("isRead"))?,
    };
    Ok((value["seq"].as_i64().ok_or_else(|| lacks("a position"))?, shown))
}

/// Every message of a conversation, page by page.
pub(super) async fn messages(http: &Rest, conversation: &str) -> Result<Messages, Fault> {
    let path = format!("/messaging/conversations/{conversation}/messages?limit=100");
    let mut messages = Messages::new();
    let mut next = path.clone();
    loop {
        let page = http.get(&next).await?.expect(200)?;
        for value in page["data"].as_array().into_iter().flatten() {
            messages.extend([message(value)?]);
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return Ok(messages),
        }
    }
}

/// How many messages wait for the owner of this token.
pub(super) async fn unread(http: &Rest) -> Result<Option<u64>, Fault> {
    let total = http.get("/messaging/conversations/unread/total").await?.expect(200)?;
    Ok(total["totalUnread"].as_u64())
}
