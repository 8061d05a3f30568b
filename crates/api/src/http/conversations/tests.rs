//! The tests of `conversations`.

mod change;
mod list;
mod open;
