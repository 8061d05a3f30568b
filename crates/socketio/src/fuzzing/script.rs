//! A whole session, driven by a script instead of a connection.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::messages;
use crate::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Handler, Namespace, Refusal, Server,
    Socket,
    engine::{ClosePlan, Disconnected, Incoming, Transport, payload::Part},
    link::SessionHandle,
    namespace::Headers,
    server::{SessionEntry, nothing},
    session::{Client, Session},
    sid::EngineId,
};

/// Feeds the messages in `input` to a session. Whatever they are, it ends, and every handler has
/// had its last call by then.
///
/// # Panics
/// When a handler was forgotten, or the session is still there.
pub fn session(input: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(run(input));
}

async fn run(input: &[u8]) {
    let guests = Arc::new(AtomicUsize::new(0));
    let server =
        Server::builder(Config { inbox_events: 4, mailbox_messages: 16, ..Config::default() })
            .namespace("/", TestNamespace(Arc::clone(&guests)))
            .namespace("/custom", TestNamespace(Arc::clone(&guests)))
            .build();
    let shared = server.shared();
    let link = Arc::new(SessionHandle::new(&shared.config));
    let id = EngineId::random().expect("the system has randomness");
    let seat = SessionEntry { link: Arc::clone(&link), door: None };
    let registration = shared.table.register(id, seat, nothing()).expect("room");
    let client = Client { remote: None, headers: Headers::none() };
    let script = Script { lines: messages(input).collect::<Vec<_>>().into_iter() };
    Session::new(shared, link, registration, client).run(script).await;
    assert_eq!(guests.load(Ordering::Relaxed), 0, "a handler was forgotten");
    assert_eq!(server.session_count(), 0);
}

/// Counts who is in it, and answers whatever is said.
struct TestNamespace(Arc<AtomicUsize>);

struct TestClient {
    hall: Arc<AtomicUsize>,
    socket: Socket,
}

#[async_trait]
impl Namespace for TestNamespace {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Accepted::new(TestClient { hall: Arc::clone(&self.0), socket }))
    }
}

#[async_trait]
impl Handler for TestClient {
    async fn event(&mut self, event: Event) {
        if event.name == "leave" {
            self.socket.disconnect();
        }
        if let Some(ack) = event.ack {
            drop(ack.send_raw(&event.args, event.attachments));
        }
    }

    async fn disconnected(self: Box<Self>, _: DisconnectReason) {
        self.hall.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Brings what is written, takes whatever comes, then leaves.
struct Script {
    lines: std::vec::IntoIter<Part>,
}

impl Transport for Script {
    fn pump(&mut self, link: &SessionHandle) -> Result<(), Disconnected> {
        while link.pop().is_some() {}
        Ok(())
    }

    fn ping(&mut self) -> Result<bool, Disconnected> {
        Ok(true)
    }

    fn pong(&mut self, _: Bytes) -> Result<(), Disconnected> {
        Ok(())
    }

    fn owes_ping(&self) -> bool {
        false
    }

    async fn next(&mut self, reads: bool) -> Incoming {
        if !reads {
            return std::future::pending().await;
        }
        match self.lines.next() {
            Some(Part::Text(text)) => Incoming::Text(text),
            Some(Part::Binary(bytes)) => Incoming::Binary(bytes),
            None => Incoming::Closed,
        }
    }

    async fn close(self, _: ClosePlan, link: &SessionHandle) {
        link.discard();
    }
}
