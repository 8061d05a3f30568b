//! Pairs of clients, each with a conversation that both have joined.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    Fault, database,
    person::{self, Person},
    rest::Rest,
    server::Server,
    socket::Socket,
    test_app::text,
};

/// A salon and a client in their conversation.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) conversation: Arc<str>,
    pub(super) salon: Socket,
    pub(super) client: Socket,
}

/// Pairs that connect at the same time, limited by the listen backlog and file descriptors.
const AT_ONCE: usize = 50;

/// Connects this many pairs and joins their conversations.
pub(super) async fn connect(server: &Server, pairs: usize) -> Result<Vec<Pair>, Fault> {
    connect_all(pairs, || pair(server, false)).await
}

/// Like [`connect`], with small TCP buffers for the clients.
pub(super) async fn connect_narrow(server: &Server, pairs: usize) -> Result<Vec<Pair>, Fault> {
    connect_all(pairs, || pair(server, true)).await
}

/// Connects the clients of this many pairs, whose salons are away: they have no connection.
pub(super) async fn connect_clients(
    server: &Server,
    pairs: usize,
) -> Result<Vec<(Socket, Arc<str>)>, Fault> {
    connect_all(pairs, || client(server)).await
}

async fn connect_all<T, Connecting: Future<Output = Result<T, Fault>>>(
    pairs: usize,
    connect: impl Fn() -> Connecting,
) -> Result<Vec<T>, Fault> {
    stream::iter(0..pairs).map(|_| connect()).buffer_unordered(AT_ONCE).try_collect().await
}

async fn pair(server: &Server, narrow: bool) -> Result<Pair, Fault> {
    let opened = open(server).await?;
    Ok(Pair {
        salon: joined(server, &opened.salon_token, &opened.conversation, false).await?,
        client: joined(server, &opened.client_token, &opened.conversation, narrow).await?,
        conversation: opened.conversation,
    })
}

async fn client(server: &Server) -> Result<(Socket, Arc<str>), Fault> {
    let opened = open(server).await?;
    let socket = joined(server, &opened.client_token, &opened.conversation, false).await?;
    Ok((socket, opened.conversation))
}

/// A conversation, and the tokens of its two sides.
struct Opened {
    conversation: Arc<str>,
    salon_token: String,
    client_token: String,
}

async fn open(server: &Server) -> Result<Opened, Fault> {
    let salon = Person::salon(&database::id("salon"), "Encre Noire");
    let client = Person::client(&database::id("client"), "Camille", "Martin");
    let salon_token = person::mint(server.secret(), &salon, person::LIFETIME_S)?;
    let client_token = person::mint(server.secret(), &client, person::LIFETIME_S)?;
    let anonymous = Rest::new(&server.url());
    let any_path = "/messaging/conversations/unread/total";
    anonymous.with_token(&client_token).get(any_path).await?.expect(200)?;
    let new = json!({ "clientUserId": client.id, "subject": "Mesure" });
    let opened = anonymous
        .with_token(&salon_token)
        .post("/messaging/conversations", &new)
        .await?
        .expect(201)?;
    Ok(Opened { conversation: text(&opened, "id")?.into(), salon_token, client_token })
}

async fn joined(
    server: &Server,
    token: &str,
    conversation: &str,
    narrow: bool,
) -> Result<Socket, Fault> {
    let socket = if narrow {
        Socket::connect_narrow(&server.url(), token).await?
    } else {
        Socket::connect(&server.url(), token).await?
    };
    let here = json!({ "conversationId": conversation });
    socket.call_ok("join-conversation", &here).await?;
    Ok(socket)
}

/// A message of typical length.
pub(super) fn message(conversation: &str, key: &str) -> Value {
    json!({
        "conversationId": conversation,
        "content": format!("{key}. Bonjour, est-ce que samedi 14 h est encore possible pour vous ?"),
        "clientMessageId": key,
    })
}

/// A message of maximum length, in characters of three bytes.
pub(super) fn long_message(conversation: &str, key: &str) -> Value {
    json!({ "conversationId": conversation, "content": "€".repeat(4_000), "clientMessageId": key })
}
