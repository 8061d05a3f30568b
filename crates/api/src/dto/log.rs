use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What happened in a conversation after a position, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Where it happened.
    pub conversation_id: String,
    /// What happened.
    #[schema(max_items = 200)]
    pub events: Vec<LogEntry>,
    /// What to ask after next.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// Whether there is more after that.
    pub has_more: bool,
    /// Whether the log no longer reaches back so far, or never came so far: then there are no
    /// events, and the conversation is to be loaded anew.
    pub resync: bool,
}

/// A change of a conversation, as sockets tell it. A message that was deleted since has none, so
/// positions may be left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogEntry {
    /// What is it called on sockets: `new-message`, `message-deleted`, `conversation-read`,
    /// `conversation-created`, `conversation-updated` or `conversation-deleted`.
    #[schema(example = "new-message")]
    pub event: &'static str,
    /// What is said with it there.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Its position.
    #[schema(minimum = 1)]
    pub seq: i64,
}
