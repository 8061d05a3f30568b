//! The tests of `middleware`.

mod cors;
mod normalise_response;
mod session_origin;
