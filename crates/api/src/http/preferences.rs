//! What a person wants to hear of by mail, and of which conversations not.

pub(super) mod change;
pub(super) mod mute;
pub(super) mod show;

pub(super) use change::{change, put};
pub(super) use mute::{mute, unmute};
pub(super) use show::show;

#[cfg(test)]
mod tests;
