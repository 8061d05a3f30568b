//! Verifies JSON Web Tokens (RFC 7519) for the token port of `domain`.
//!
//! [`JwtVerifier`] supports two kinds of keys side by side: a shared secret (HS256; two for a
//! changeover, and one for programs alone) and a JSON Web Key Set of public keys (RS256, ES256, `EdDSA`). A key has exactly one algorithm, so a token
//! cannot choose another. [`JwtSigner`] signs tokens for demonstrations.
//!
//! Start with [`JwtVerifier`] in `verifier`; `key` reads keys, `settings` has the configuration.
//!
//! Claims:
//!
//! | Claim | Form | Without it |
//! | --- | --- | --- |
//! | `userId` | 1 to 64 characters of `A-Z a-z 0-9 _ -` | not valid |
//! | `role` | the platform's word | [`Role::Other`](domain::participant::Role::Other) |
//! | `exp` | seconds since 1970, at most [`EXPIRY_MAX_DAYS`] ahead of now and of `iat` | not valid, unless [`Settings::exp_required`] is off |
//! | `iat` | seconds since 1970, not more than the leeway and a minute ahead | the token counts as issued in 1970 when tokens are revoked |
//! | `token_use` | `access` | nothing is checked |
//! | `type`, `token_type` | anything but `refresh` | nothing is checked |
//! | `iss`, `aud` | as configured; `aud` may be a list | not valid when configured; else not read |
//! | `email`, `firstName`, `lastName`, `salonName`, `image` | text within the directory's bounds | nothing is known |
//!
//! Seconds are a JSON number, which may have a fraction and an exponent (RFC 7519, section 2):
//! `1.8e9` and `1764500000.5` are times; text, `null` and numbers beyond 64 bits make the token
//! invalid. Fractions of a millisecond are truncated in `exp` and rounded up in `nbf`, so that
//! neither a token nor its session lasts longer than it says.
//!
//! The header `typ` is absent, `JWT` or `at+jwt` (RFC 9068): a token for something else, such as an identity token of
//! another type or a refresh token, is no access token.
//!
//! A program of the platform has the role `service`. Its token must expire, and `aud` must contain
//! this service ([`Settings::service_audience`]); otherwise it is invalid. So a caller with
//! [`Role::Service`](domain::participant::Role::Service) has proved both.
//!
//! A profile claim with an invalid value is dropped with a warning that names the claim, not the
//! value: a bad image URL must not keep anybody from signing in.
#![deny(missing_docs)]
mod key;
mod settings;
mod signer;
mod verifier;

pub use settings::{KeyError, SECRET_MIN_BYTES, SERVICE_AUDIENCE, Settings, is_guessable};
pub use signer::{JwtSigner, MintError};
pub use verifier::{EXPIRY_MAX_DAYS, JwtVerifier, TOKEN_MAX_BYTES};
