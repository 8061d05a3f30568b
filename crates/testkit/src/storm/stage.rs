//! The conversations of a storm and the people in them.

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::json;

use super::Rooms;
use crate::{Fault, fresh, person::Person, rest::Rest, server::Server, stage::text, token};

/// One conversation, and the tokens of its two sides.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) conversation: String,
    pub(super) salon_token: String,
    pub(super) client_token: String,
}

impl Room {
    /// The token of the client with this number: of every five, three are the client's.
    pub(super) fn token_of(&self, number: usize) -> &str {
        if number % 5 < 3 { &self.client_token } else { &self.salon_token }
    }
}

/// So many conversations, all new.
pub(super) async fn furnish(server: &Server, count: usize) -> Result<Rooms, Fault> {
    let http = Rest::new(&server.url());
    try_join_all((0..count).map(|_| room(server.secret(), &http))).await
}

async fn room(secret: &str, http: &Rest) -> Result<Arc<Room>, Fault> {
    let salon = Person::salon(&fresh::id("salon"), "Encre Noire");
    let client = Person::client(&fresh::id("client"), "Camille", "Martin");
    let salon_token = token::mint(secret, &salon, token::LIFETIME_S)?;
    let client_token = token::mint(secret, &client, token::LIFETIME_S)?;
    // The server gets to know people from their tokens.
    let hello = "/messaging/conversations/unread/total";
    http.with_token(&client_token).get(hello).await?.expect(200)?;
    let new = json!({ "clientUserId": client.id, "subject": "Tempête" });
    let opened = http.with_token(&salon_token).post("/messaging/conversations", &new).await?;
    let conversation = text(&opened.expect(201)?, "id")?;
    Ok(Arc::new(Room { conversation, salon_token, client_token }))
}
