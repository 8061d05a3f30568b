//! Signed tokens into callers: the token port of `domain` on JSON Web Tokens (RFC 7519).
//!
//! [`JwtVerifier`] knows two kinds of keys, side by side: a shared secret (HS256) and a JSON Web
//! Key Set of public keys (RS256, ES256, `EdDSA`). A key has one algorithm, its own; a token can only
//! fail to match it. [`JwtSigner`] mints tokens for demonstrations.
//!
//! What a token says:
//!
//! | Claim | Form | Without it |
//! | --- | --- | --- |
//! | `userId` | 1 to 64 characters of `A-Z a-z 0-9 _ -` | not valid |
//! | `role` | the platform's word | [`Role::Other`](domain::participant::Role::Other) |
//! | `exp` | whole seconds since 1970 | never ends, as the platform has it today |
//! | `nbf` | whole seconds since 1970 | valid from the start |
//! | `iss`, `aud` | as configured; `aud` may be a list | not valid when configured; else not read |
//! | `email`, `firstName`, `lastName`, `salonName`, `image` | text within the directory's bounds | nothing is known |
//!
//! A program of the platform has the role `service`. Its token must end, and `aud` must name this
//! service ([`Settings::service_audience`]): without both it is not valid, so a caller with
//! [`Role::Service`](domain::participant::Role::Service) has proved them.
//!
//! A detail of the person that has another form is left out with a warning that names the claim,
//! not its value: a bad picture address should lock nobody out.
#![deny(missing_docs)]

mod claims;
mod jwks;
mod key;
mod settings;
mod signer;
mod verifier;

pub use settings::{KeyError, SECRET_MIN_BYTES, SERVICE_AUDIENCE, Settings};
pub use signer::{JwtSigner, MintError};
pub use verifier::{JwtVerifier, TOKEN_MAX_BYTES};
