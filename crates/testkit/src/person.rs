//! Users of the service and their tokens.

use std::time::SystemTime;

use jsonwebtoken::{Algorithm, EncodingKey, Header, dangerous, encode};
use serde_json::{Map, Value, json};

use crate::Fault;

/// A user of the platform, with the claims of their tokens.
#[derive(Clone, Debug)]
pub struct Person {
    /// The `userId` of their tokens.
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

    /// A person with only a role.
    pub fn new(id: &str, role: &str) -> Self {
        let mut claims = Map::new();
        claims.insert("userId".to_owned(), json!(id));
        claims.insert("role".to_owned(), json!(role));
        Self { id: id.to_owned(), claims }
    }

    /// The same person with one more claim.
    #[must_use]
    pub fn with(mut self, claim: &str, value: &str) -> Self {
        self.claims.insert(claim.to_owned(), json!(value));
        self
    }

    /// The claims of their tokens.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

// Tokens, as the platform signs them.

/// The lifetime of a token in seconds: seven days, as on the platform.
pub const LIFETIME_S: i64 = 7 * 24 * 3600;

/// A token for `person`, signed with `secret` (HS256), that expires in `lifetime_s` seconds. With a
/// negative lifetime it has expired already.
///
/// # Errors
/// When it cannot be signed.
pub fn mint(secret: &str, person: &Person, lifetime_s: i64) -> Result<String, Fault> {
    let now = unix_seconds()?;
    let mut claims = person.claims().clone();
    // Issued in the past, so that an expired token was once valid.
    claims.insert("iat".to_owned(), json!(now - 2 * LIFETIME_S));
    claims.insert("exp".to_owned(), json!(now + lifetime_s));
    let key = EncodingKey::from_secret(secret.as_bytes())
        .map_err(Fault::while_doing("make a signing key"))?;
    encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(Fault::while_doing("sign a token"))
}

/// The user id in a token, without verification.
///
/// # Errors
/// When it is not a token.
pub fn user_id(token: &str) -> Result<String, Fault> {
    let claims: Value =
        dangerous::insecure_decode_claims(token).map_err(Fault::while_doing("read a token"))?;
    let id = claims["userId"].as_str();
    id.map(str::to_owned).ok_or_else(|| Fault::new("the token has no user id"))
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
