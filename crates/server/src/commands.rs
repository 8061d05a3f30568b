//! The verbs other than `serve`.

pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod erase;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod mail;
pub(crate) mod retention;
