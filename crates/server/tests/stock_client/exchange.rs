//! A thousand messages between two people, in the order of their positions.

use std::process::Output;

use testkit::{Fault, clients, person::Person, test_app::TestApp, wait};
use tokio::process::Command;

use crate::SERVER;

const MESSAGES: &str = "1000";

#[tokio::test]
async fn two_stock_clients_exchange_a_thousand_messages() -> Result<(), Fault> {
    let folder = clients::folder();
    let app = TestApp::start(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = app.conversation(&salon, &client).await?;

    let exchange = Command::new("node")
        .current_dir(folder)
        .args(["exchange.mjs", &app.server.url(), &conversation])
        .args([app.token(&salon)?, app.token(&client)?])
        .arg(MESSAGES)
        .kill_on_drop(true)
        .output();
    let Output { status, stderr, .. } =
        wait::within("the exchange", exchange).await?.map_err(Fault::while_doing("run node"))?;
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Ok(())
}
