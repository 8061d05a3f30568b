//! A report that can never be handled ends where the operator sees it, and gets another chance from
//! there.

use std::process::Command;

use rig::{
    Fault,
    appointment::{Report, register},
    fault::same,
    fresh,
    person::Person,
    stage::Stage,
    wait,
};
use serde_json::json;

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, conversations, service};

/// What an operator's call of the program prints.
fn operator(stage: &Stage, words: &[&str]) -> Result<String, Fault> {
    let call = Command::new(SERVER)
        .args(words)
        .env("DATABASE_URL", stage.database.url())
        .env("JWT_SECRET", stage.server.secret())
        .output()
        .map_err(Fault::while_doing("call the program"))?;
    same("the exit code", call.status.code(), Some(0))?;
    String::from_utf8(call.stdout).map_err(Fault::while_doing("read what it printed"))
}

#[tokio::test]
async fn a_dead_letter_is_listed_with_its_reason_and_tried_again() -> Result<(), Fault> {
    let stage = Stage::set_with(SERVER, &EAGER).await?;
    register(&stage, SALON, &json!({ "role": "user_salon", "salonName": "Encre Noire" })).await?;
    register(&stage, CLIENT, &json!({ "role": "admin" })).await?;
    let report = Report::new("booked", &fresh::id("appointment"), SALON, CLIENT);
    report.send(&service(&stage)?).await?.expect(202)?;

    let listed = wait::until("a dead letter", async || {
        let listed = operator(&stage, &["jobs", "list", "--dead"])?;
        Ok(listed.contains("1 given up").then_some(listed))
    })
    .await?;
    for word in ["handle_appointment_event", "given up", "not_a_client"] {
        assert!(listed.contains(word), "{word} is not in {listed}");
    }

    register(&stage, CLIENT, &json!({ "role": "client", "firstName": "Camille" })).await?;
    let retried = operator(&stage, &["jobs", "retry", "--all"])?;
    same("what is tried again", retried.as_str(), "1 tried again\n")?;
    all_handled(&stage).await?;
    let client = stage.rest(&Person::new(CLIENT, "client"))?;
    same("conversations", conversations(&client).await?.len(), 1)?;
    let left = operator(&stage, &["jobs", "list", "--dead"])?;
    assert!(left.contains("0 given up"), "{left}");
    Ok(())
}
