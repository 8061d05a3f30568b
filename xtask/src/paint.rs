//! Weight and colour, where a person is looking.

use std::{
    env,
    io::{IsTerminal, stderr, stdout},
};

/// For headings.
pub(crate) fn bold(text: &str) -> String {
    painted("1", text, stdout().is_terminal())
}

/// For what is less important than its surroundings.
pub(crate) fn faint(text: &str) -> String {
    painted("2", text, stdout().is_terminal())
}

/// For failures, which go to standard error.
pub(crate) fn red(text: &str) -> String {
    painted("31", text, stderr().is_terminal())
}

fn painted(code: &str, text: &str, is_terminal: bool) -> String {
    if is_terminal && env::var_os("NO_COLOR").is_none() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
