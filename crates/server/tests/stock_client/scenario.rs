//! A front end's day over each transport setting, in Node.js and in Chromium: connect with auth, presence
//! over two tabs, chat, typing, read receipts, a cut, a crash of the server.

use testkit::Fault;

use crate::scenario_run::{Compression, Runtime, Setting, run_scenario};

#[tokio::test]
async fn in_node_with_default_transports() -> Result<(), Fault> {
    run_scenario(Runtime::Node, Setting::Default, Compression::Off).await
}

#[tokio::test]
async fn in_node_over_websocket_only() -> Result<(), Fault> {
    run_scenario(Runtime::Node, Setting::WebSocketOnly, Compression::Off).await
}

#[tokio::test]
async fn in_node_over_polling_only() -> Result<(), Fault> {
    run_scenario(Runtime::Node, Setting::PollingOnly, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_with_default_transports() -> Result<(), Fault> {
    run_scenario(Runtime::Chromium, Setting::Default, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_over_websocket_only() -> Result<(), Fault> {
    run_scenario(Runtime::Chromium, Setting::WebSocketOnly, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_over_polling_only() -> Result<(), Fault> {
    run_scenario(Runtime::Chromium, Setting::PollingOnly, Compression::Off).await
}

#[tokio::test]
async fn in_node_with_default_transports_compressed() -> Result<(), Fault> {
    run_scenario(Runtime::Node, Setting::Default, Compression::On).await
}

#[tokio::test]
async fn in_node_over_websocket_only_compressed() -> Result<(), Fault> {
    run_scenario(Runtime::Node, Setting::WebSocketOnly, Compression::On).await
}

#[tokio::test]
async fn in_chromium_with_default_transports_compressed() -> Result<(), Fault> {
    run_scenario(Runtime::Chromium, Setting::Default, Compression::On).await
}

#[tokio::test]
async fn in_chromium_over_websocket_only_compressed() -> Result<(), Fault> {
    run_scenario(Runtime::Chromium, Setting::WebSocketOnly, Compression::On).await
}
