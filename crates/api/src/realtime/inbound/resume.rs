//! Payloads of those who go on where they were cut off.

use std::fmt;

use domain::{id::ConversationId, seq::Seq};
use serde_json::{Map, Value};

use super::conversation;
use crate::{failure::Failure, texts};

/// The most conversations that are asked for at once.
const SYNC_CONVERSATIONS_MAX: usize = 64;

/// How far a client has come in a conversation.
#[derive(Debug)]
pub(in super::super) struct SyncFrom {
    pub(in super::super) conversation: ConversationId,
    pub(in super::super) after: Seq,
}

/// A token. `Debug` hides it.
pub(in super::super) struct Token(pub(in super::super) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// The position a client knows, if it says one.
pub(super) fn after(payload: &Map<String, Value>) -> Result<Option<Seq>, Failure> {
    match payload.get("afterSeq") {
        None | Some(Value::Null) => Ok(None),
        Some(number) => {
            let after = number.as_i64().and_then(Seq::new);
            after.map(Some).ok_or_else(|| Failure::validation(vec![texts::AFTER_POSITION]))
        }
    }
}

pub(super) fn conversations(payload: &Map<String, Value>) -> Result<Vec<SyncFrom>, Failure> {
    let list = payload.get("conversations").and_then(Value::as_array);
    let list = list.filter(|list| (1..=SYNC_CONVERSATIONS_MAX).contains(&list.len()));
    let list = list.ok_or_else(|| Failure::validation(vec![texts::SYNC_LIST]))?;
    let read = |item: &Value| {
        let item = item.as_object().ok_or_else(|| Failure::validation(vec![texts::SYNC_LIST]))?;
        let after = after(item)?.unwrap_or(Seq::ZERO);
        Ok(SyncFrom { conversation: conversation(item)?, after })
    };
    list.iter().map(read).collect()
}

pub(super) fn token(payload: &Map<String, Value>) -> Result<Token, Failure> {
    let token = payload.get("token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let required = || Failure::validation(vec![texts::TOKEN_REQUIRED]);
    token.map(|token| Token(token.to_owned())).ok_or_else(required)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(payload: Value) -> Map<String, Value> {
        let Value::Object(payload) = payload else { panic!("an object") };
        payload
    }

    #[test]
    fn a_position_is_a_whole_number_or_not_there() {
        for payload in [json!({}), json!({"afterSeq": null})] {
            assert!(matches!(after(&object(payload)), Ok(None)));
        }
        let known = after(&object(json!({"afterSeq": 7}))).expect("a position");
        assert_eq!(known.map(Seq::get), Some(7));
        for bad in [json!(-1), json!(1.5), json!("7"), json!([])] {
            assert!(after(&object(json!({"afterSeq": bad}))).is_err());
        }
    }

    #[test]
    fn a_sync_names_one_conversation_at_least_and_64_at_most() {
        let of = |count: usize| {
            let item = json!({"conversationId": "c1", "afterSeq": 3});
            conversations(&object(json!({"conversations": vec![item; count]}))).map(|all| all.len())
        };
        assert!(matches!((of(1), of(64)), (Ok(1), Ok(64))));
        assert!(of(0).is_err() && of(65).is_err());
        for bad in [json!({}), json!({"conversations": {}}), json!({"conversations": ["c1"]})] {
            assert!(conversations(&object(bad)).is_err());
        }
    }

    #[test]
    fn a_token_is_text_and_never_printed() {
        let read = token(&object(json!({"token": "secret"}))).expect("a text");
        assert_eq!((read.0.as_str(), format!("{read:?}").as_str()), ("secret", "Token(***)"));
        assert!(token(&object(json!({"token": ""}))).is_err());
        assert!(token(&object(json!({"token": 7}))).is_err());
    }
}
