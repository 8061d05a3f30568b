//! Which tokens the verifier accepts, with generated keys.

mod bad;
mod details;
mod good;
mod issuer;
mod keys;
mod minted;
mod service;
