//! What the application learns of a client's silence.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

use super::{Client, Session};
use crate::{
    Config, Server,
    engine::{ClosePlan, Disconnected, Fault, Incoming, Transport},
    mailbox::SessionHandle,
    namespace::Headers,
    server::{SessionEntry, nothing},
    sid::EngineId,
};

const SILENCE: Duration = Duration::from_secs(5);

/// A transport that brings what the test says.
struct Line(UnboundedReceiver<Incoming>);

impl Transport for Line {
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

    async fn next(&mut self, _: bool) -> Incoming {
        self.0.recv().await.unwrap_or(Incoming::Closed)
    }

    async fn close(self, _: ClosePlan, link: &SessionHandle) {
        link.discard();
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_arrives_from_a_client_ends_its_silence_and_nothing_else_does() {
    let shared = Server::builder(Config::default()).build().shared();
    let link = Arc::new(SessionHandle::new(&shared.config));
    let id = EngineId::random().expect("the system has randomness");
    let seat = SessionEntry { link: Arc::clone(&link), door: None };
    let registration = shared.table.register(id, seat, nothing()).expect("room");
    let client = Client { remote: None, headers: Headers::none() };
    let session = Session::new(shared, Arc::clone(&link), registration, client);
    let (says, heard) = unbounded_channel();

    let client = async move {
        let signs = [
            Incoming::Text("3".into()),
            Incoming::Ping(Bytes::new()),
            Incoming::Pong,
            Incoming::PollArrived,
        ];
        for sign in signs {
            sleep(SILENCE).await;
            assert_eq!(link.silent_for(), SILENCE, "before {sign:?}");
            let name = format!("{sign:?}");
            says.send(sign).expect("the session listens");
            sleep(Duration::from_millis(1)).await;
            assert_eq!(link.silent_for(), Duration::from_millis(1), "after {name}");
            // From here on as at the beginning.
            link.heard();
        }
        for nothing in [Incoming::Nothing, Incoming::Fault(Fault::Broken)] {
            sleep(SILENCE / 2).await;
            says.send(nothing).expect("the session listens");
        }
        sleep(SILENCE / 2).await;
        assert_eq!(link.silent_for(), SILENCE * 3 / 2);
    };
    tokio::join!(session.run(Line(heard)), client);
}
