//! What a cluster should be like.

use std::path::PathBuf;

/// How a [`Cluster`](super::Cluster) is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it lives. Created when absent; one owner at a time.
    pub directory: PathBuf,
    /// What a commit means.
    pub durability: Durability,
    /// Most connections at once.
    pub max_connections: u16,
    /// Whether to start empty and leave nothing behind.
    pub ephemeral: bool,
}

/// What a commit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk, as in production.
    Durable,
    /// In memory: nothing survives a crash. For tests of everything else.
    Fast,
}

impl Durability {
    /// The settings that make it so.
    pub(super) const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &["fsync=on", "synchronous_commit=on", "full_page_writes=on"],
            Self::Fast => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
        }
    }
}
