//! How many sockets there may be, over both front doors.

use std::time::Duration;

use actix_web::http::Method;
use futures_util::SinkExt as _;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::StatusCode},
};

use super::{Client, Node, realtime, settings};
use crate::{
    Settings,
    limits::{self, ClientAddressHeader, Rate},
    testing::{CONVERSATIONS, TestApp, no_limits, request},
};

/// Longer than it takes the server to see that a socket is gone.
const TIME_LIMIT: Duration = Duration::from_secs(20);

const ENDPOINTS: [&str; 2] = ["/messaging", "/socket.io/?EIO=4&transport=websocket"];

/// A socket that says nothing; or the status of the refusal.
async fn connect_raw(
    node: &Node,
    endpoint: &str,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, StatusCode> {
    connect_raw_from(node, endpoint, "for=unknown").await
}

/// The same for whom a proxy says so.
async fn connect_raw_from(
    node: &Node,
    endpoint: &str,
    forwarded: &str,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, StatusCode> {
    let url = format!("ws://{}{endpoint}", node.address);
    let mut request = url.into_client_request().expect("a good address");
    request.headers_mut().insert("forwarded", forwarded.parse().expect("a header"));
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status()),
        Err(error) => panic!("{error}"),
    }
}

/// Knocks until there is room.
async fn connect_when_possible(node: &Node, endpoint: &str) {
    let opens = async { while connect_raw(node, endpoint).await.is_err() {} };
    tokio::time::timeout(TIME_LIMIT, opens).await.expect("room in time");
}

#[actix_web::test]
async fn both_doors_together_let_in_so_many() {
    let socket = socketio::Config { sessions_max: 1, ..socketio::Config::default() };
    let node = Node::with(realtime::Settings { socket, ..Default::default() }).await;
    for (taken, other) in [(ENDPOINTS[0], ENDPOINTS[1]), (ENDPOINTS[1], ENDPOINTS[0])] {
        let only = loop {
            if let Ok(socket) = connect_raw(&node, taken).await {
                break socket;
            }
        };
        for endpoint in [taken, other] {
            let refused = connect_raw(&node, endpoint).await.err();
            assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE), "{endpoint}");
        }
        drop(only);
        connect_when_possible(&node, other).await;
    }
}

#[actix_web::test]
async fn sockets_that_do_not_say_whose_they_are_are_few_over_both_doors() {
    let settings = realtime::Settings { unauthenticated_per_address_max: 1, ..Default::default() };
    let node = Node::with(settings).await;
    for silent in ENDPOINTS {
        let stranger = loop {
            if let Ok(socket) = connect_raw(&node, silent).await {
                break socket;
            }
        };
        for endpoint in ENDPOINTS {
            let refused = connect_raw(&node, endpoint).await.err();
            assert_eq!(refused, Some(StatusCode::TOO_MANY_REQUESTS), "{endpoint}");
        }
        drop(stranger);
        connect_when_possible(&node, silent).await;
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

fn behind_a_proxy(limits: limits::Settings) -> limits::Settings {
    let client_address_header = ClientAddressHeader::Forwarded;
    limits::Settings { trusted_proxy_hops: 1, client_address_header, ..limits }
}

#[actix_web::test]
async fn behind_a_proxy_people_are_told_apart_by_one_header_at_every_door() {
    let once = Some(Rate::new(1, 1));
    let limits = behind_a_proxy(limits::Settings {
        requests_per_address: once,
        connects_per_address: once,
        ..no_limits()
    });
    // What each endpoint answers to a client that is accepted: polling, plain WebSocket (asked without one), REST.
    let endpoints =
        [("/socket.io/?EIO=4&transport=polling", 200), ("/messaging", 426), (CONVERSATIONS, 401)];
    for (endpoint, welcome) in endpoints {
        let test_app =
            TestApp::with(Settings { limits, ..settings(realtime::Settings::default()) }).await;
        let table = [
            ("for=203.0.113.7", welcome),
            ("for=198.51.100.1", welcome),
            ("for=192.0.2.1, for=\"203.0.113.7:4711\";proto=https", 429),
            ("for=\"[2001:db8::1]:4711\"", welcome),
            ("for=\"[2001:db8::2]\"", 429),
        ];
        for (number, (forwarded, status)) in table.into_iter().enumerate() {
            let asked = request(Method::GET, endpoint, "")
                .append_header(("Forwarded", "for=192.0.2.77"))
                .append_header(("Forwarded", forwarded))
                .insert_header(("X-Forwarded-For", format!("192.0.2.{number}")));
            assert_eq!(test_app.ask(asked).await.status, status, "{endpoint}: {forwarded}");
        }
    }
}

#[actix_web::test]
async fn a_socket_behind_a_proxy_counts_for_the_same_address_before_and_after_it_says_whose_it_is()
{
    for (endpoint, hello) in [
        (ENDPOINTS[0], json!({ "event": "auth", "data": { "token": "c1" } }).to_string()),
        (ENDPOINTS[1], format!("40/messaging,{}", json!({ "token": "c1" }))),
    ] {
        let realtime = realtime::Settings {
            unauthenticated_per_address_max: 1,
            sessions_per_address_max: 1,
            ..Default::default()
        };
        let limits = behind_a_proxy(no_limits());
        let node = Node::serve(TestApp::with(Settings { limits, ..settings(realtime) }).await);
        let from = |port: u16| format!("for=192.0.2.1, for=\"[2001:db8::1]:{port}\"");
        let mut first = connect_raw_from(&node, endpoint, &from(1)).await.expect("the first");
        first.send(Message::text(hello)).await.expect("it is open");
        // This network may connect again as soon as the first client is authenticated.
        let second = async {
            loop {
                if let Ok(socket) = connect_raw_from(&node, endpoint, &from(2)).await {
                    break socket;
                }
            }
        };
        tokio::time::timeout(TIME_LIMIT, second).await.expect("room in time");
    }
}
