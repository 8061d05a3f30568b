//! The chat in `docs/frontend.md` as it stands there: taken out of the document, opened in a browser, and
//! used as people use it.

mod bookshelf;
mod cuts;
mod day;
mod guide;
mod modules;
mod screen;
mod theatre;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
