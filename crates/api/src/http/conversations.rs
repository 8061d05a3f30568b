//! Conversations: one file for each request.

mod archive;
mod change;
mod delete;
mod list;
mod mark_read;
mod open;
mod show;

pub(super) use archive::{__path_archive, archive};
pub(super) use change::{__path_change, change};
pub(super) use delete::{__path_delete, delete};
pub(super) use list::{__path_list, list};
pub(super) use mark_read::{__path_mark_read, mark_read};
pub(super) use open::{__path_open, open};
pub(super) use show::{__path_show, show};
