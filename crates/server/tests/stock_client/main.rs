//! The unmodified JavaScript client library against the real server, in Node.js and in Chromium.

mod exchange;
mod outage;
mod performance;
mod scenario;
mod stagehand;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
