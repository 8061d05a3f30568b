//! The specification of the events, made from the types that are sent and the table of what is
//! received.

mod commands;

use commands::Described;
use serde_json::{Map, Value, json};

use super::events::{
    AuthExpiring, ConversationCreated, ConversationDeleted, ConversationHistory, ConversationRead,
    ConversationUnreadUpdated, ConversationUpdated, Failed, MessageDeleted, MessageRead,
    NewMessage, PresenceSnapshot, Resync, ServerDraining, UnreadCountUpdated, UserJoined, UserLeft,
    UserOffline, UserOnline, UserStoppedTyping, UserTyping, with_every_event,
};

macro_rules! describe_events {
    ($($type:ty => $name:literal,)*) => {
        fn described_events() -> Vec<Described> {
            vec![$(Described::event::<$type>($name),)*]
        }
    };
}

with_every_event!(describe_events);

/// The `AsyncAPI` 3 specification of the socket interface as JSON, the same text each time.
///
/// # Panics
/// Never: the specification is all texts and numbers, which JSON can hold.
pub fn asyncapi_json() -> String {
    let specification = serde_json::to_string_pretty(&asyncapi());
    specification.expect("texts and numbers are JSON") + "\n"
}

fn asyncapi() -> Value {
    let (commands, events) = (commands::described(), described_events());
    let answer = commands::answer();
    let all = || commands.iter().chain(&events).chain([&answer]);
    let mut schemas = Map::new();
    for (name, schema) in all().flat_map(|described| &described.parts) {
        schemas.insert(name.clone(), json!(schema));
    }
    schemas.sort_keys();
    let refer = |described: &Described| (described.key.clone(), message_reference(described));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Messaging events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Conversations live. Two endpoints speak these events: the Socket.IO \
                namespace `/messaging` (path `/socket.io/`), where a command's answer is its \
                acknowledgement, and the plain WebSocket `/messaging`, where lines are \
                `{event, data, id?}` in and `{event, data, seq?}` or `{ack, ok, data | error}` out.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "channels": {
            "messaging": {
                "address": "/messaging",
                "messages": all().map(refer).collect::<Map<_, _>>(),
            },
        },
        "operations": operations(&commands, &events, &answer),
        "components": {
            "messages": all().map(message).collect::<Map<_, _>>(),
            "schemas": schemas,
        },
    })
}

/// What a client may ask, each with its answer, and what it may hear.
fn operations(commands: &[Described], events: &[Described], answer: &Described) -> Value {
    let channel = json!({ "$ref": "#/channels/messaging" });
    let mut operations = Map::new();
    for command in commands {
        let operation = json!({
            "action": "receive",
            "channel": channel,
            "messages": [channel_reference(command)],
            "reply": { "channel": channel, "messages": [channel_reference(answer)] },
        });
        operations.insert(command.name.to_owned(), operation);
    }
    let messages: Vec<_> = events.iter().map(channel_reference).collect();
    let operation = json!({ "action": "send", "channel": channel, "messages": messages });
    operations.insert("tell".to_owned(), operation);
    Value::Object(operations)
}

fn message(described: &Described) -> (String, Value) {
    let body = json!({ "name": described.name, "payload": described.payload });
    (described.key.clone(), body)
}

fn message_reference(described: &Described) -> Value {
    json!({ "$ref": format!("#/components/messages/{}", described.key) })
}

fn channel_reference(described: &Described) -> Value {
    json!({ "$ref": format!("#/channels/messaging/messages/{}", described.key) })
}

#[cfg(test)]
mod tests;
