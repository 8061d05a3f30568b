//! The tests of `commands`.

mod change_conversation;
mod open_conversation;
mod send_message;
