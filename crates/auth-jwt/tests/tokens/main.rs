//! What the verifier believes and what it does not, with keys made for the occasion.

mod bad;
mod details;
mod good;
mod issuer;
mod keys;
mod minted;
mod service;
