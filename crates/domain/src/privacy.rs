//! Personal data: erasure, export, audit.

pub mod audit;
pub mod erasure;
pub mod export;
pub mod service;
pub mod session_end;
pub mod store;
