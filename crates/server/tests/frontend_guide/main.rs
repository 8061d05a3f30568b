//! The chat in `docs/frontend.md` as it stands there: taken out of the document, opened in a browser, and
//! used as people use it.

mod cuts;
mod day;
mod fixture;
mod guide;
mod guide_server;
mod modules;
mod screen;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
