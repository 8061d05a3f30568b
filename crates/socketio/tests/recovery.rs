//! Connection state recovery.

mod support;

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Frame, Handler, Namespace, Refusal,
    Server, Socket,
};
use support::{TestServer, default_heartbeat};

/// Keeps no state: replays two events to any client with the right `pid`.
struct ReplayNamespace;

struct IgnoringHandler;

#[async_trait]
impl Handler for IgnoringHandler {
    async fn event(&mut self, _: Event) {}

    async fn disconnected(self: Box<Self>, _: DisconnectReason) {}
}

#[async_trait]
impl Namespace for ReplayNamespace {
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        let event =
            |n: u8| Frame::new("/", "n", &n).map_err(|error| Refusal::new(error.to_string()));
        socket.send(&event(9)?.offset_by("o9")).map_err(|error| Refusal::new(error.to_string()))?;
        let accepted = Accepted::new(IgnoringHandler).with_pid("p");
        match request.recovery {
            Some(recovery) if recovery.pid == "p" && recovery.offset == "o1" => {
                let replay = vec![event(2)?.with_offset("o2"), event(3)?.with_offset("o3")];
                Ok(accepted.recovered("former", replay))
            }
            _ => Ok(accepted),
        }
    }
}

fn server(recovery: bool) -> TestServer {
    let config = Config { recovery, ..default_heartbeat() };
    TestServer::start(Server::builder(config).namespace("/", ReplayNamespace).build())
}

#[actix_web::test]
async fn a_new_client_is_given_a_pid_beside_its_sid() {
    let server = server(true);
    let mut client = server.open().await;
    client.send_text(r#"40{"pid":"unknown","offset":"o1"}"#).await;
    let answer = client.receive_text().await;
    let answer: serde_json::Value = serde_json::from_str(&answer[2..]).expect("JSON");
    assert_eq!(answer["pid"], "p");
    assert_ne!(answer["sid"], "former");
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(client.receive_text().await, r#"42["n",9,"o9"]"#);
}

#[actix_web::test]
async fn what_was_missed_comes_before_the_answer_and_what_is_new_behind_it() {
    let server = server(true);
    let mut client = server.open().await;
    client.send_text(r#"40{"pid":"p","offset":"o1"}"#).await;
    for expected in [
        r#"42["n",2,"o2"]"#,
        r#"42["n",3,"o3"]"#,
        r#"40{"sid":"former","pid":"p"}"#,
        r#"42["n",9,"o9"]"#,
    ] {
        assert_eq!(client.receive_text().await, expected);
    }
}

#[actix_web::test]
async fn without_recovery_nobody_is_recovered_or_given_a_pid() {
    let server = server(false);
    let mut client = server.open().await;
    client.send_text(r#"40{"pid":"p","offset":"o1"}"#).await;
    let answer = client.receive_text().await;
    let answer: serde_json::Value = serde_json::from_str(&answer[2..]).expect("JSON");
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1));
    assert_ne!(answer["sid"], "former");
}
