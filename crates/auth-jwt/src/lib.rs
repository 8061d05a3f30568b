//! Signed tokens into callers: the token port of `domain` on JSON Web Tokens (RFC 7519).
//!
//! [`JwtVerifier`] knows two kinds of keys, side by side: a shared secret (HS256) and a JSON Web
//! Key Set of public keys (RS256, ES256, `EdDSA`). A key has one algorithm, its own; a token can only
//! fail to match it. [`JwtSigner`] mints tokens for demonstrations.
//!
//! Begin at [`JwtVerifier`] in `verifier`; `key` reads keys, `settings` says what is accepted.
//!
//! What a token says:
//!
//! | Claim | Form | Without it |
//! | --- | --- | --- |
//! | `userId` | 1 to 64 characters of `A-Z a-z 0-9 _ -` | not valid |
//! | `role` | the platform's word | [`Role::Other`](domain::participant::Role::Other) |
//! | `exp` | seconds since 1970 | never ends, as the platform has it today |
//! | `nbf` | seconds since 1970 | valid from the start |
//! | `iss`, `aud` | as configured; `aud` may be a list | not valid when configured; else not read |
//! | `email`, `firstName`, `lastName`, `salonName`, `image` | text within the directory's bounds | nothing is known |
//!
//! Seconds are a JSON number, which may have a fraction and an exponent (RFC 7519, section 2): `1.8e9`
//! and `1764500000.5` are times; text, `null` and numbers beyond 64 bits are none, and such a token is
//! not valid. What is finer than a millisecond is cut from `exp` and rounded up in `nbf`, so that a
//! token, and a session that ends with it, never lasts longer than it says. `iat` is not read.
//!
//! A program of the platform has the role `service`. Its token must end, and `aud` must name this
//! service ([`Settings::service_audience`]): without both it is not valid, so a caller with
//! [`Role::Service`](domain::participant::Role::Service) has proved them.
//!
//! A detail of the person that has another form is left out with a warning that names the claim,
//! not its value: a bad image address should not keep anybody from signing in.
#![deny(missing_docs)]
mod key;
mod settings;
mod signer;
mod verifier;

pub use settings::{KeyError, SECRET_MIN_BYTES, SERVICE_AUDIENCE, Settings};
pub use signer::{JwtSigner, MintError};
pub use verifier::{JwtVerifier, TOKEN_MAX_BYTES};
