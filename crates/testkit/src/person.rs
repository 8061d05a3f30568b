//! The people who use the service.

use serde_json::{Map, Value, json};

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
