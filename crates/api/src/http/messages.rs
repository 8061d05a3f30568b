//! Messages: one file for each request.

mod delete;
mod events;
mod list;
mod mark_read;
mod send;

pub(super) use delete::{__path_delete, delete};
pub(super) use events::{__path_events, events};
pub(super) use list::{__path_list, list};
pub(super) use mark_read::{__path_mark_read, mark_read};
pub(super) use send::{__path_send, send};
