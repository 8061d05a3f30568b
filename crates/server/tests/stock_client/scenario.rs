//! A front end's day over each transport setting, in Node.js and in Chromium: connect with auth, presence
//! over two tabs, chat, typing, read receipts, a cut, a crash of the server.

use testkit::Fault;

use crate::performance::{Compression, Setting, Theatre, perform};

#[tokio::test]
async fn in_node_with_default_transports() -> Result<(), Fault> {
    perform(Theatre::Node, Setting::Default, Compression::Off).await
}

#[tokio::test]
async fn in_node_over_websocket_only() -> Result<(), Fault> {
    perform(Theatre::Node, Setting::WebSocketOnly, Compression::Off).await
}

#[tokio::test]
async fn in_node_over_polling_only() -> Result<(), Fault> {
    perform(Theatre::Node, Setting::PollingOnly, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_with_default_transports() -> Result<(), Fault> {
    perform(Theatre::Chromium, Setting::Default, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_over_websocket_only() -> Result<(), Fault> {
    perform(Theatre::Chromium, Setting::WebSocketOnly, Compression::Off).await
}

#[tokio::test]
async fn in_chromium_over_polling_only() -> Result<(), Fault> {
    perform(Theatre::Chromium, Setting::PollingOnly, Compression::Off).await
}

#[tokio::test]
async fn in_node_with_default_transports_compressed() -> Result<(), Fault> {
    perform(Theatre::Node, Setting::Default, Compression::On).await
}

#[tokio::test]
async fn in_node_over_websocket_only_compressed() -> Result<(), Fault> {
    perform(Theatre::Node, Setting::WebSocketOnly, Compression::On).await
}

#[tokio::test]
async fn in_chromium_with_default_transports_compressed() -> Result<(), Fault> {
    perform(Theatre::Chromium, Setting::Default, Compression::On).await
}

#[tokio::test]
async fn in_chromium_over_websocket_only_compressed() -> Result<(), Fault> {
    perform(Theatre::Chromium, Setting::WebSocketOnly, Compression::On).await
}
