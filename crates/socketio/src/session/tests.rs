//! `SessionHandle::silent_for`: which events count as activity of the client.

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
    server::{SessionEntry, no_permit},
    sid::EngineId,
};

const INTERVAL: Duration = Duration::from_secs(5);

/// A transport whose events the test sends over a channel.
struct ChannelTransport(UnboundedReceiver<Incoming>);

impl Transport for ChannelTransport {
    fn pump(&mut self, handle: &SessionHandle) -> Result<(), Disconnected> {
        while handle.pop().is_some() {}
        Ok(())
    }

    fn ping(&mut self) -> Result<bool, Disconnected> {
        Ok(true)
    }

    fn pong(&mut self, _: Bytes) -> Result<(), Disconnected> {
        Ok(())
    }

    fn has_pending_ping(&self) -> bool {
        false
    }

    async fn next(&mut self, _: bool) -> Incoming {
        self.0.recv().await.unwrap_or(Incoming::Closed)
    }

    async fn close(self, _: ClosePlan, handle: &SessionHandle) {
        handle.discard();
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_arrives_from_a_client_ends_its_silence_and_nothing_else_does() {
    let shared = Server::builder(Config::default()).build().shared();
    let handle = Arc::new(SessionHandle::new(&shared.config));
    let id = EngineId::random().expect("the system has randomness");
    let entry = SessionEntry { handle: Arc::clone(&handle), polling: None, origin: None };
    let registration = shared.table.register(id, entry, no_permit()).expect("room");
    let client = Client { remote: None, permit: no_permit() };
    let session = Session::new(shared, Arc::clone(&handle), registration, client);
    let (incoming, receiver) = unbounded_channel();

    let client = async move {
        let signs = [
            Incoming::Text("3".into()),
            Incoming::Ping(Bytes::new()),
            Incoming::Pong,
            Incoming::PollArrived,
        ];
        for sign in signs {
            sleep(INTERVAL).await;
            assert_eq!(handle.silent_for(), INTERVAL, "before {sign:?}");
            let name = format!("{sign:?}");
            incoming.send(sign).expect("the session listens");
            sleep(Duration::from_millis(1)).await;
            assert_eq!(handle.silent_for(), Duration::from_millis(1), "after {name}");
            // Resets the clock.
            handle.record_activity();
        }
        for silent in [Incoming::Nothing, Incoming::Fault(Fault::Broken)] {
            sleep(INTERVAL / 2).await;
            incoming.send(silent).expect("the session listens");
        }
        sleep(INTERVAL / 2).await;
        assert_eq!(handle.silent_for(), INTERVAL * 3 / 2);
    };
    tokio::join!(session.run(ChannelTransport(receiver)), client);
}
