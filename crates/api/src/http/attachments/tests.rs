//! The tests of `attachments`.

mod file;
mod show;
mod upload;
