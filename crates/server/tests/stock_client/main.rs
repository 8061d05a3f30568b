//! The unmodified JavaScript client library against the real server, in Node.js and in Chromium.

mod control_server;
mod exchange;
mod outage;
mod scenario;
mod scenario_run;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
