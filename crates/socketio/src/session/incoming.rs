//! What a session does with what the client sends.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Protocol, Session, SessionEnd, decide,
    namespaces::{NamespaceSocket, Target},
};
use crate::{
    config::after,
    engine::{EngineMessage, EnginePacket, Incoming, Transport},
    namespace::{ConnectRequest, DisconnectReason, RecoveryRequest, Refusal},
    packet::Packet,
    sid::SocketId,
    socket::{Acknowledger, Event, Socket},
};

impl Session {
    pub(super) fn on_incoming(
        &mut self,
        incoming: Incoming,
        transport: &mut impl Transport,
    ) -> Result<(), SessionEnd> {
        match incoming {
            Incoming::Text(text) => self.on_text(&text),
            Incoming::Binary(bytes) => self.on_binary(bytes),
            Incoming::Malformed(error) => Err(error.into()),
            Incoming::PollArrived => {
                self.check_clock(transport)?;
                Ok(transport.pump(&self.link)?)
            }
            Incoming::Ping(bytes) => Ok(transport.pong(bytes)?),
            Incoming::Pong | Incoming::Nothing => Ok(()),
            Incoming::Closed | Incoming::Upgrade(_) => Err(SessionEnd::lost()),
            Incoming::Fault(fault) => Err(fault.into()),
        }
    }

    fn on_text(&mut self, text: &ByteString) -> Result<(), SessionEnd> {
        match EnginePacket::parse(text)? {
            EnginePacket::Message(text) => match &mut self.upper {
                Protocol::SocketIo(decoder) => {
                    decoder.text(text)?.map_or(Ok(()), |packet| self.on_packet(packet))
                }
                Protocol::Bare(handler) => {
                    handler.message(EngineMessage::Text(text.to_owned()));
                    Ok(())
                }
            },
            EnginePacket::Pong => {
                self.heartbeat.pong(Instant::now());
                Ok(())
            }
            EnginePacket::Close => Err(SessionEnd::wished()),
            EnginePacket::Ignored => Ok(()),
        }
    }

    fn on_binary(&mut self, bytes: Bytes) -> Result<(), SessionEnd> {
        match &mut self.upper {
            Protocol::SocketIo(decoder) => {
                decoder.binary(bytes)?.map_or(Ok(()), |packet| self.on_packet(packet))
            }
            Protocol::Bare(handler) => {
                handler.message(EngineMessage::Binary(bytes));
                Ok(())
            }
        }
    }

    fn on_packet(&mut self, packet: Packet) -> Result<(), SessionEnd> {
        match packet {
            Packet::Connect { namespace, data } => self.on_connect(&namespace, data),
            Packet::Disconnect { namespace } => self.on_disconnect(&namespace),
            Packet::Event { namespace, id, name, args, attachments } => {
                self.with_member(&namespace, |member| {
                    let ack = id.map(|id| Acknowledger::new(member.socket.clone(), id));
                    member.receive(Event { name, args, attachments, ack });
                })
            }
            // The server asks for no answers, so every answer is to an unknown id.
            Packet::Ack { namespace, .. } => self.with_member(&namespace, |_| {}),
            Packet::ConnectError { .. } => Err(DisconnectReason::ParseError.into()),
        }
    }

    fn on_connect(&mut self, name: &str, auth: Option<Box<RawValue>>) -> Result<(), SessionEnd> {
        if self.members.holds(name) {
            return Err(DisconnectReason::ParseError.into());
        }
        let Some(entry) = self.server.namespace(name) else {
            return self.refuse(name, &Refusal::new("Invalid namespace"));
        };
        let Ok(id) = SocketId::random() else {
            tracing::error!("the system gives no random bytes; a client was refused");
            return self.refuse(name, &Refusal::new("Internal server error"));
        };
        let key = self.members.next_key();
        self.link.enter(key, entry.name.clone());
        let socket = Socket::new(id, entry.name, key, self.link.clone());
        let auth = auth.unwrap_or_else(empty_object);
        let recovers = self.server.config.recovery;
        let request = ConnectRequest {
            recovery: recovers.then(|| RecoveryRequest::of(&auth)).flatten(),
            auth,
            remote: self.client.remote,
            headers: self.client.headers.clone(),
        };
        let deadline = after(Instant::now(), self.server.config.connect_decision_timeout_ms);
        let decision = decide(entry.namespace, request, socket.clone(), deadline);
        self.members.add(NamespaceSocket::deciding(socket, decision));
        Ok(())
    }

    fn on_disconnect(&mut self, namespace: &str) -> Result<(), SessionEnd> {
        let mut left = None;
        self.with_member(namespace, |member| {
            member.leave(DisconnectReason::ClientNamespaceDisconnect);
            left = Some(member.socket.key());
        })?;
        if let Some(key) = left {
            self.link.remove(key);
        }
        Ok(())
    }

    /// Does something with the socket connected to `namespace`. Where there is none, the client
    /// broke the protocol, unless it could not know.
    fn with_member(
        &mut self,
        namespace: &str,
        act: impl FnOnce(&mut NamespaceSocket),
    ) -> Result<(), SessionEnd> {
        match self.members.addressee(namespace) {
            Target::Connected(member) => {
                act(member);
                Ok(())
            }
            Target::Dismissed => Ok(()),
            Target::Nobody => Err(DisconnectReason::ParseError.into()),
        }
    }
}

fn empty_object() -> Box<RawValue> {
    serde_json::value::to_raw_value(&serde_json::Map::new())
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}
