//! The tests of `middleware`.

mod cors;
mod edge;
