//! The tests of `attachments`.

mod show;
mod upload;
