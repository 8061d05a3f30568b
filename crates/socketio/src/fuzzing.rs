//! Entry points of the fuzz targets. Each must return for every input; a panic is a finding.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Handler, Namespace, Refusal, Server,
    Socket,
    engine::{
        ClosePlan, Disconnected, EnginePacket, Incoming, Transport,
        packet::{Part, Parts, push_text},
    },
    mailbox::SessionHandle,
    packet::{Decoder, Limits},
    server::{SessionEntry, no_permit},
    session::{Client, Session},
    sid::EngineId,
};

/// Separates the messages of an input. One that starts with `!` is binary.
const DIVIDER: u8 = b'\n';

/// Of a longer message only the beginning is decoded.
const CUT_BYTES: usize = 300;

/// Decodes Socket.IO packets with their attachments. A decoded packet must be encodable.
///
/// # Panics
/// If it is not.
pub fn packets(input: &[u8]) {
    let mut decoder = Decoder::new(Limits {
        max_attachments: 10,
        max_packet_bytes: 10_000,
        max_event_bytes: 200,
        kept_members: &["key"],
    });
    for message in messages(input) {
        let outcome = match message {
            Part::Text(text) if text.len() > CUT_BYTES => {
                decoder.cut_text(&text[..text.floor_char_boundary(CUT_BYTES)], text.len())
            }
            Part::Text(text) => decoder.text(&text),
            Part::Binary(bytes) if bytes.len() > CUT_BYTES => decoder.cut_binary(bytes.len()),
            Part::Binary(bytes) => decoder.binary(bytes),
        };
        match outcome {
            Ok(Some(packet)) => {
                let encoded = packet.encode().expect("a decoded packet is valid JSON");
                assert!(encoded.0.starts_with('4'));
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// Splits polling payloads. Joining the parts and splitting again must give the same parts.
///
/// # Panics
/// If it does not.
pub fn payload(input: &[u8]) {
    let Ok(body) = ByteString::try_from(input) else {
        return;
    };
    let mut rebuilt = String::new();
    let mut texts = Vec::new();
    for part in Parts::of(body) {
        let Ok(Part::Text(text)) = part else { continue };
        if EnginePacket::parse(&text).is_ok() {
            push_text(&mut rebuilt, &text);
            texts.push(text);
        }
    }
    if !texts.is_empty() {
        let again: Vec<_> = Parts::of(rebuilt.into()).collect();
        let texts: Vec<_> = texts.into_iter().map(|text| Ok(Part::Text(text))).collect();
        assert_eq!(again, texts);
    }
}

fn messages(input: &[u8]) -> impl Iterator<Item = Part> {
    input.split(|byte| *byte == DIVIDER).map(|message| match message.strip_prefix(b"!") {
        Some(bytes) => Part::Binary(Bytes::copy_from_slice(bytes)),
        None => Part::Text(String::from_utf8_lossy(message).into_owned().into()),
    })
}

// A whole session on a scripted transport.

/// Feeds the messages in `input` to a session. It must end, and every handler must get its last
/// call.
///
/// # Panics
/// If a handler did not get its last call, or the session still exists.
pub fn session(input: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(run(input));
}

async fn run(input: &[u8]) {
    let connected = Arc::new(AtomicUsize::new(0));
    let server =
        Server::builder(Config { inbox_events: 4, mailbox_messages: 16, ..Config::default() })
            .namespace("/", TestNamespace(Arc::clone(&connected)))
            .namespace("/custom", TestNamespace(Arc::clone(&connected)))
            .build();
    let shared = server.shared();
    let handle = Arc::new(SessionHandle::new(&shared.config));
    let id = EngineId::random().expect("the system has randomness");
    let entry = SessionEntry { handle: Arc::clone(&handle), polling: None, origin: None };
    let registration = shared.table.register(id, entry, no_permit()).expect("room");
    let client = Client { remote: None, permit: no_permit() };
    let script = Script { lines: messages(input).collect::<Vec<_>>().into_iter() };
    Session::new(shared, handle, registration, client).run(script).await;
    assert_eq!(connected.load(Ordering::Relaxed), 0, "a handler got no last call");
    assert_eq!(server.session_count(), 0);
}

/// Counts its connected clients, and acknowledges every event.
struct TestNamespace(Arc<AtomicUsize>);

struct TestClient {
    connected: Arc<AtomicUsize>,
    socket: Socket,
}

#[async_trait]
impl Namespace for TestNamespace {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Accepted::new(TestClient { connected: Arc::clone(&self.0), socket }))
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
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A transport that delivers scripted messages, discards all frames, then closes.
struct Script {
    lines: std::vec::IntoIter<Part>,
}

impl Transport for Script {
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

    async fn close(self, _: ClosePlan, handle: &SessionHandle) {
        handle.discard();
    }
}

#[cfg(test)]
mod tests {
    //! Replays the corpus.

    use std::{fs, path::Path};

    fn replay(target: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files: Vec<_> = fs::read_dir(folder).expect("a corpus").collect();
        assert!(!files.is_empty());
        for file in files {
            run(&fs::read(file.expect("an entry").path()).expect("a readable file"));
        }
    }

    #[test]
    fn every_packet_of_the_corpus_is_survived() {
        replay("packets", super::packets);
    }

    #[test]
    fn every_payload_of_the_corpus_is_survived() {
        replay("payload", super::payload);
    }

    #[test]
    fn every_session_of_the_corpus_ends_well() {
        replay("session", super::session);
    }
}
