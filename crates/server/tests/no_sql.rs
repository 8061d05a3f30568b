//! Typing and presence cause no SQL: PostgreSQL sees no statement while people type, stop and leave.

use std::{collections::BTreeMap, time::SystemTime};

use rig::{
    Fault, fault::same, person::Person, socket::Socket, stage::Stage, tokio_postgres::Client,
};
use serde_json::json;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const KEYSTROKES: usize = 50;

/// Of each of the server's connections: when its latest statement began.
type Statements = BTreeMap<i32, Option<SystemTime>>;

// The view is of now, not of some seconds ago as the counters are.
async fn statements(observer: &Client) -> Result<Statements, Fault> {
    let rows = observer
        .query(
            "SELECT pid, query_start FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            &[],
        )
        .await
        .map_err(Fault::while_doing("look at the server's connections"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn joined(stage: &Stage, person: &Person, conversation: &str) -> Result<Socket, Fault> {
    let mut socket = stage.socket(person).await?;
    let here = json!({ "conversationId": conversation });
    socket.call_ok("join-conversation", &here).await?;
    socket.hear("unread-count-updated").await?;
    Ok(socket)
}

#[tokio::test]
async fn typing_and_leaving_cause_no_statement() -> Result<(), Fault> {
    let stage = Stage::set(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = stage.conversation(&salon, &client).await?;
    let here = json!({ "conversationId": conversation });
    let mut watching = joined(&stage, &salon, &conversation).await?;
    let typing = joined(&stage, &client, &conversation).await?;
    let observer = stage.database.client().await?;
    watching.hear("user-online").await?;
    // What either of them began is done once a message has gone round.
    typing
        .call_ok("send-message", &json!({ "conversationId": conversation, "content": "Bonjour" }))
        .await?;
    watching.hear("new-message").await?;
    watching.hear("unread-count-updated").await?;

    let before = statements(&observer).await?;
    for _ in 0..KEYSTROKES {
        typing.call_ok("user-typing", &here).await?;
    }
    let typed = watching.hear("user-typing").await?;
    same("who types", typed["userId"].as_str(), Some(client.id.as_str()))?;
    typing.call_ok("user-stopped-typing", &here).await?;
    watching.hear("user-stopped-typing").await?;
    typing.cut();
    let left = watching.hear("user-offline").await?;
    same("who left", left["userId"].as_str(), Some(client.id.as_str()))?;
    same("statements", statements(&observer).await?, before.clone())?;

    // The measure is good for something: a message does cause one.
    watching
        .call_ok("send-message", &json!({ "conversationId": conversation, "content": "Bonsoir" }))
        .await?;
    assert_ne!(statements(&observer).await?, before);
    Ok(())
}
