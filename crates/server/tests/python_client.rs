//! The unmodified Python client library against the real server. Its handlers take what the event says and nothing
//! more; so do those of Dart and others.

use std::process::Output;

use testkit::{Fault, clients, person::Person, test_app::TestApp, wait};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

async fn handlers_with_one_argument_hear_everything(transport: &str) -> Result<(), Fault> {
    let app = TestApp::start(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = app.conversation(&salon, &client).await?;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python-client/one_argument.py");
    let played = Command::new(clients::program())
        .args([script, &app.server.url(), &conversation])
        .args([app.token(&salon)?, app.token(&client)?])
        .arg(transport)
        .kill_on_drop(true)
        .output();
    let Output { status, stderr, .. } = wait::within("the Python client", played)
        .await?
        .map_err(Fault::while_doing("run python"))?;
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success() && said.is_empty(), "{said}");
    Ok(())
}

#[tokio::test]
async fn handlers_with_one_argument_hear_everything_by_polling() -> Result<(), Fault> {
    handlers_with_one_argument_hear_everything("polling").await
}

#[tokio::test]
async fn handlers_with_one_argument_hear_everything_by_websocket() -> Result<(), Fault> {
    handlers_with_one_argument_hear_everything("websocket").await
}
