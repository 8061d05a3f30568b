use crate::caller::Caller;

/// Why a token names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// Not a token, not signed by anyone trusted, signed with an algorithm that is not expected, or
    /// without the claims needed.
    #[error("the token is not valid")]
    Invalid,
}

/// Reads tokens.
pub trait TokenVerifier: Send + Sync {
    /// Whom `token` names. The token comes without a scheme such as `Bearer`.
    ///
    /// # Errors
    /// [`TokenError`]; nothing of the token is repeated in it.
    fn verify(&self, token: &str) -> Result<Caller, TokenError>;
}
