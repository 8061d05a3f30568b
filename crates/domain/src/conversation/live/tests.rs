//! The tests of `live`.

mod presence;
mod typing;
