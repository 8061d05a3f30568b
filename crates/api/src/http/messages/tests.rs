//! The tests of `messages`.

mod events;
mod list;
mod send;
