//! Personal data: what is erased, what is exported, and who did what.

pub mod audit;
pub mod erasure;
pub mod export;
pub mod service;
pub mod store;
