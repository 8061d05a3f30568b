//! For tests of any crate: people and drafts to play with, fakes of the ports, and the
//! [`contract`] that every store must keep.
#![expect(
    clippy::missing_panics_doc,
    reason = "what is here serves tests, and tells them by a panic that something is wrong"
)]
pub mod contract;
pub mod fixture;
pub mod memory;
mod mock;

pub use memory::MemoryStore;
pub use mock::MockStore;
