//! Which pages may call (contract of the old service: an allow-list, with credentials).

use rig::{Fault, fault::same, person::Person, stage::Stage};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const FRONT: &str = "https://salon.example";
const FOREIGN: &str = "https://elsewhere.example";

async fn stage() -> Result<Stage, Fault> {
    Stage::set_with(SERVER, &[("FRONT_URL", FRONT)]).await
}

#[tokio::test]
async fn a_page_of_the_front_end_may_read_the_answer() -> Result<(), Fault> {
    let stage = stage().await?;
    let rest = stage.rest(&Person::client("client-1", "Camille", "Martin"))?;
    for origin in [FRONT, "https://www.salon.example"] {
        let headers = [("origin", origin)];
        let answer = rest.send("GET", "/messaging/conversations", &headers, Vec::new()).await?;
        same("the status", answer.status, 200)?;
        same("the page allowed", answer.header("access-control-allow-origin"), origin)?;
        same("with a token", answer.header("access-control-allow-credentials"), "true")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_changes_nothing() -> Result<(), Fault> {
    let stage = stage().await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = stage.conversation(&salon, &client).await?;
    let before = stage.database.digest().await?;

    let path = format!("/messaging/conversations/{conversation}/messages");
    let headers = [("origin", FOREIGN), ("content-type", "application/json")];
    let body = br#"{"content":"Bonjour"}"#.to_vec();
    let answer = stage.rest(&client)?.send("POST", &path, &headers, body).await?;
    same("the status", answer.status, 403)?;
    same("the code", answer.code(), "origin_not_allowed")?;
    same("what is stored", stage.database.digest().await?, before)
}

#[tokio::test]
async fn a_foreign_page_gets_no_web_socket() -> Result<(), Fault> {
    let stage = stage().await?;
    let headers = [
        ("origin", FOREIGN),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let answer = stage
        .anonymous()
        .send("GET", "/socket.io/?EIO=4&transport=websocket", &headers, Vec::new())
        .await?;
    assert!((400..500).contains(&answer.status), "status {}", answer.status);
    Ok(())
}
