//! Whom a token names.

use domain::{caller::Caller, ports::TokenError};

use super::Context;
use crate::{callers::person, failure::Failure};

/// Whom `token` names; the directory is told what it says of them.
///
/// # Errors
/// `unauthorized`, `token_expired`, `forbidden` for a program, or the store's failure.
pub(super) async fn caller(context: &Context, token: Option<&str>) -> Result<Caller, Failure> {
    let token = token.ok_or(TokenError::Invalid)?;
    let caller = person(context.tokens.verify(without_scheme(token))?)?;
    context.messaging.sync_profile(&caller).await?;
    Ok(caller)
}

/// The token comes raw; a `Bearer ` in front of it is tolerated (D11).
fn without_scheme(token: &str) -> &str {
    match token.split_at_checked(7) {
        Some((scheme, raw)) if scheme.eq_ignore_ascii_case("bearer ") => raw.trim_start(),
        _ => token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_in_front_of_a_token_is_tolerated() {
        for token in ["abc.def", "Bearer abc.def", "bearer  abc.def"] {
            assert_eq!(without_scheme(token), "abc.def");
        }
        assert_eq!(without_scheme("é"), "é");
        assert_eq!(without_scheme("Bearer"), "Bearer");
    }
}
