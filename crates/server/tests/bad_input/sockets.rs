//! Events and frames that no front end would send.

use serde_json::{Value, json};
use testkit::{Fault, fault::same, wait};

use crate::{Fixture, bystander::beside};

const EVENTS: [&str; 5] = [
    "join-conversation",
    "leave-conversation",
    "send-message",
    "mark-as-read",
    "mark-conversation-as-read",
];

fn payloads() -> Vec<Vec<Value>> {
    let long = "a".repeat(100_000);
    vec![
        vec![],
        vec![Value::Null],
        vec![json!(1)],
        vec![json!("conversationId")],
        vec![json!([])],
        vec![json!({})],
        vec![json!({ "conversationId": null, "messageId": null })],
        vec![json!({ "conversationId": {}, "messageId": [] })],
        vec![json!({ "conversationId": "", "messageId": "" })],
        vec![json!({ "conversationId": "a\0b", "messageId": "' OR 1=1 --" })],
        vec![json!({ "conversationId": long, "messageId": long })],
        vec![json!({ "__proto__": { "conversationId": "a" } })],
    ]
}

#[tokio::test]
async fn every_event_refuses_every_strange_payload_with_a_code() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let socket = fixture.app.socket(&fixture.client).await?;
    beside(
        &fixture,
        Box::pin(async {
            for event in EVENTS {
                for payload in payloads() {
                    let answer = socket.ask_with(event, &payload);
                    let ack = wait::within(event, answer).await?;
                    let ack = ack.map_err(Fault::while_doing(format!("{event} {payload:.60?}")))?;
                    let refused = ack["ok"] == false && ack["error"]["code"].is_string();
                    let unheard_of = event == "leave-conversation" && ack["ok"] == true;
                    assert!(refused || unheard_of, "{event} {payload:.60?}: {ack}");
                    assert_ne!(ack["error"]["code"], "internal", "{event} {payload:.60?}");
                }
            }
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn every_strange_message_is_refused_with_a_code() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let socket = fixture.app.socket(&fixture.client).await?;
    let fields = [
        json!({}),
        json!({ "content": "" }),
        json!({ "content": "  \u{0}" }),
        json!({ "content": 1 }),
        json!({ "content": "é".repeat(10_001) }),
        json!({ "content": "a", "attachments": {} }),
        json!({ "content": "a", "attachments": [null] }),
        json!({ "content": "", "attachments": [] }),
        json!({ "content": "", "attachments": [{ "fileUrl": "http://utfs.io/f/a" }] }),
        json!({ "content": "a", "clientMessageId": "" }),
        json!({ "content": "a", "clientMessageId": {} }),
    ];
    beside(
        &fixture,
        Box::pin(async {
            for mut message in fields {
                message["conversationId"] = json!(fixture.conversation);
                let ack = socket.call("send-message", &message).await?;
                let code = ack["error"]["code"].as_str();
                same(&message.to_string(), code, Some("validation_failed"))?;
            }
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn a_failure_that_nobody_asked_about_is_an_error_event() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let mut socket = fixture.app.socket(&fixture.client).await?;
    let message = json!({
        "conversationId": "nowhere",
        "content": "Bonjour",
        "clientMessageId": "key-1",
    });
    socket.emit("send-message", &message);
    let error = socket.wait_for("error").await?;
    same("the code", error["code"].as_str(), Some("conversation_not_found"))?;
    same("the event", error["event"].as_str(), Some("send-message"))?;
    same("the key", error["clientMessageId"].as_str(), Some("key-1"))?;
    same("a message", error["message"].as_str(), Some("Conversation non trouvée"))
}

#[tokio::test]
async fn a_broken_frame_ends_its_own_session_only() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let deep = format!("42/messaging,[\"send-message\",{}", "[".repeat(50_000));
    let frames = [
        "",
        "9",
        "4",
        "49",
        "42/messaging,",
        "42/messaging,{}",
        "42/messaging,[]",
        "42/messaging,[\"send-message\",",
        "42/messaging,99999999999999999999999[\"a\"]",
        "43/messaging,1",
        "4599-/messaging,[\"a\"]",
        deep.as_str(),
    ];
    let bystander = fixture.app.socket(&fixture.client).await?;
    beside(
        &fixture,
        Box::pin(async {
            for frame in frames {
                let socket = fixture.app.socket(&fixture.client).await?;
                socket.send_raw(frame);
                let ended = socket.ended().await;
                ended.map_err(Fault::while_doing(format!("see the end after {frame:.40}")))?;
            }
            Ok(())
        }),
    )
    .await?;
    let here = json!({ "conversationId": fixture.conversation });
    bystander.call_ok("join-conversation", &here).await?;
    fixture.is_unharmed(&before).await
}
