//! Files before they are sent: uploading one, and looking at one.

mod form;
mod pieces;
pub(super) mod show;
pub(super) mod upload;

pub(super) use show::show;
pub(super) use upload::upload;
