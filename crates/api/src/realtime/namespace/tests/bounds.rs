//! How many sockets there may be, over both doors.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, http::StatusCode},
};

use super::{Client, Node, realtime};

/// Longer than it takes the server to see that a socket is gone.
const PATIENCE: Duration = Duration::from_secs(20);

const DOORS: [&str; 2] = ["/messaging", "/socket.io/?EIO=4&transport=websocket"];

/// A socket that says nothing; or the status of the refusal.
async fn knock(
    node: &Node,
    door: &str,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, StatusCode> {
    match connect_async(format!("ws://{}{door}", node.address)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status()),
        Err(error) => panic!("{error}"),
    }
}

/// Knocks until there is room.
async fn patient(node: &Node, door: &str) {
    let opens = async { while knock(node, door).await.is_err() {} };
    tokio::time::timeout(PATIENCE, opens).await.expect("room in time");
}

#[actix_web::test]
async fn both_doors_together_let_in_so_many() {
    let socket = socketio::Config { sessions_max: 1, ..socketio::Config::default() };
    let node = Node::with(realtime::Settings { socket, ..Default::default() }).await;
    for (taken, other) in [(DOORS[0], DOORS[1]), (DOORS[1], DOORS[0])] {
        let only = loop {
            if let Ok(socket) = knock(&node, taken).await {
                break socket;
            }
        };
        for door in [taken, other] {
            let refused = knock(&node, door).await.err();
            assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE), "{door}");
        }
        drop(only);
        patient(&node, other).await;
    }
}

#[actix_web::test]
async fn sockets_that_do_not_say_whose_they_are_are_few_over_both_doors() {
    let settings = realtime::Settings { unauthenticated_per_address_max: 1, ..Default::default() };
    let node = Node::with(settings).await;
    for silent in DOORS {
        let stranger = loop {
            if let Ok(socket) = knock(&node, silent).await {
                break socket;
            }
        };
        for door in DOORS {
            let refused = knock(&node, door).await.err();
            assert_eq!(refused, Some(StatusCode::TOO_MANY_REQUESTS), "{door}");
        }
        drop(stranger);
        patient(&node, silent).await;
    }
}

#[actix_web::test]
async fn sockets_that_say_whose_they_are_make_room_for_others() {
    let settings = realtime::Settings { unauthenticated_per_address_max: 1, ..Default::default() };
    let node = Node::with(settings).await;
    let mut clients = Vec::new();
    for who in ["c1", "s1", "c2"] {
        clients.push(Client::connect(&node, who).await);
    }
    for client in &mut clients {
        let answer = client.ask("leave-conversation", json!({ "conversationId": "c" })).await;
        assert_eq!(answer["ok"], true);
    }
}
