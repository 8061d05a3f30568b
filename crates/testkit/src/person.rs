//! The people who use the service.

use std::time::SystemTime;

use jsonwebtoken::{Algorithm, EncodingKey, Header, dangerous, encode};
use serde_json::{Map, Value, json};

use crate::Fault;

/// Somebody with an account on the platform, and what the platform puts into their tokens.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who: the `userId` of their tokens.
    pub id: String,
    claims: Map<String, Value>,
}

impl Person {
    /// A salon.
    pub fn salon(id: &str, name: &str) -> Self {
        Self::new(id, "user_salon").with("salonName", name)
    }

    /// A client.
    pub fn client(id: &str, first_name: &str, last_name: &str) -> Self {
        Self::new(id, "client").with("firstName", first_name).with("lastName", last_name)
    }

    /// Somebody with a role and nothing else.
    pub fn new(id: &str, role: &str) -> Self {
        let mut claims = Map::new();
        claims.insert("userId".to_owned(), json!(id));
        claims.insert("role".to_owned(), json!(role));
        Self { id: id.to_owned(), claims }
    }

    /// The same person, whose tokens say one thing more.
    #[must_use]
    pub fn with(mut self, claim: &str, value: &str) -> Self {
        self.claims.insert(claim.to_owned(), json!(value));
        self
    }

    /// What their tokens say.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

// Tokens, as the platform signs them.

/// How long an ordinary token lasts, in seconds: seven days, as the platform's.
pub const LIFETIME_S: i64 = 7 * 24 * 3600;

/// A token for `person`, signed with `secret` (HS256), that lasts `lifetime_s` seconds from now. A
/// negative lifetime gives one that is over.
///
/// # Errors
/// When it cannot be signed.
pub fn mint(secret: &str, person: &Person, lifetime_s: i64) -> Result<String, Fault> {
    let now = unix_seconds()?;
    let mut claims = person.claims().clone();
    // Issued a while ago, so that a token that is over was once good.
    claims.insert("iat".to_owned(), json!(now - 2 * LIFETIME_S));
    claims.insert("exp".to_owned(), json!(now + lifetime_s));
    let key = EncodingKey::from_secret(secret.as_bytes())
        .map_err(Fault::while_doing("make a signing key"))?;
    encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(Fault::while_doing("sign a token"))
}

/// Whose token it is, as it says itself; nothing is verified.
///
/// # Errors
/// When it is no token.
pub fn user_id(token: &str) -> Result<String, Fault> {
    let claims: Value =
        dangerous::insecure_decode_claims(token).map_err(Fault::while_doing("read a token"))?;
    let id = claims["userId"].as_str();
    id.map(str::to_owned).ok_or_else(|| Fault::new("the token names nobody"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test kit is outside the service, whose clock it cannot reach"
)]
fn unix_seconds() -> Result<i64, Fault> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(Fault::while_doing("read the clock"))?;
    i64::try_from(since.as_secs()).map_err(Fault::while_doing("read the clock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_owner() {
        let person = Person::client("c-1", "Camille", "Martin");
        let token = mint("a secret of more than thirty-two bytes", &person, 60);
        assert_eq!(user_id(&token.expect("a token")).expect("an owner"), "c-1");
    }
}
