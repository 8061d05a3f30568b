//! Many pairs of people, each pair with a conversation open on both screens.

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::{
    Fault, fresh, person::Person, rest::Rest, server::Server, socket::Socket, stage::text, token,
};

/// One pair in their conversation.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) conversation: Arc<str>,
    pub(super) salon: Socket,
    pub(super) client: Socket,
}

/// So many pairs, connected and joined.
pub(super) async fn gather(server: &Server, pairs: usize) -> Result<Vec<Pair>, Fault> {
    try_join_all((0..pairs).map(|_| pair(server))).await
}

async fn pair(server: &Server) -> Result<Pair, Fault> {
    let salon = Person::salon(&fresh::id("salon"), "Encre Noire");
    let client = Person::client(&fresh::id("client"), "Camille", "Martin");
    let salon_token = token::mint(server.secret(), &salon, token::LIFETIME_S)?;
    let client_token = token::mint(server.secret(), &client, token::LIFETIME_S)?;
    let nobody = Rest::new(&server.url());
    let introduce = "/messaging/conversations/unread/total";
    nobody.with_token(&client_token).get(introduce).await?.expect(200)?;
    let new = json!({ "clientUserId": client.id, "subject": "Mesure" });
    let opened = nobody
        .with_token(&salon_token)
        .post("/messaging/conversations", &new)
        .await?
        .expect(201)?;
    let conversation: Arc<str> = text(&opened, "id")?.into();
    Ok(Pair {
        salon: joined(server, &salon_token, &conversation).await?,
        client: joined(server, &client_token, &conversation).await?,
        conversation,
    })
}

async fn joined(server: &Server, token: &str, conversation: &str) -> Result<Socket, Fault> {
    let socket = Socket::connect(&server.url(), token).await?;
    let here = json!({ "conversationId": conversation });
    socket.call_ok("join-conversation", &here).await?;
    Ok(socket)
}

/// What they say: a text of ordinary length.
pub(super) fn message(conversation: &str, key: &str) -> Value {
    json!({
        "conversationId": conversation,
        "content": format!("{key}. Bonjour, est-ce que samedi 14 h est encore possible pour vous ?"),
        "clientMessageId": key,
    })
}
