//! Processes what the client sends.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Protocol, Session, SessionEnd, call_connect,
    namespaces::{NamespaceSocket, Target},
};
use crate::{
    config::after,
    engine::{EngineMessage, EnginePacket, Fault, Incoming, Transport},
    namespace::{ConnectRequest, DisconnectReason, RecoveryRequest, Refusal},
    packet::Packet,
    sid::SocketId,
    socket::{Acknowledger, Event, NotKept, Socket},
};

/// What a CONNECT begins with: the types of its Engine.IO and its Socket.IO packet.
const CONNECT: &str = "40";

impl Session {
    pub(super) fn on_incoming(
        &mut self,
        incoming: Incoming,
        transport: &mut impl Transport,
    ) -> Result<(), SessionEnd> {
        match incoming {
            Incoming::Text(text) => self.on_text(&text, None),
            Incoming::CutText { head, bytes } => self.on_text(&head, Some(bytes)),
            Incoming::Binary(bytes) => self.on_binary(bytes),
            Incoming::CutBinary { bytes } => self.on_cut_binary(bytes),
            Incoming::Malformed(error) => Err(error.into()),
            Incoming::PollArrived => {
                self.check_deadlines(transport)?;
                Ok(transport.pump(&self.handle)?)
            }
            Incoming::Ping(bytes) => Ok(transport.pong(bytes)?),
            Incoming::Pong | Incoming::Nothing => Ok(()),
            Incoming::Closed | Incoming::Upgrade(_) => Err(SessionEnd::connection_lost()),
            Incoming::Fault(fault) => Err(fault.into()),
        }
    }

    /// Whether a message may be so long. Before a namespace is connected only a CONNECT may be longer than
    /// the smallest bound; nothing of the rest is read.
    fn check_length(&self, bytes: usize, is_connect: bool) -> Result<(), SessionEnd> {
        let config = &self.server.config;
        let max_bytes = match (self.was_connected, is_connect) {
            (true, _) => return Ok(()),
            (false, true) => config.max_connect_bytes,
            (false, false) => config.max_unconnected_bytes,
        };
        if bytes > max_bytes { Err(Fault::TooBig.into()) } else { Ok(()) }
    }

    /// Processes a text, or the beginning of one that was cut and had so many bytes.
    fn on_text(&mut self, text: &ByteString, cut: Option<usize>) -> Result<(), SessionEnd> {
        self.check_length(cut.unwrap_or(text.len()), text.starts_with(CONNECT))?;
        match EnginePacket::parse(text)? {
            EnginePacket::Message(text) => match &mut self.protocol {
                Protocol::SocketIo(decoder) => {
                    let packet = match cut {
                        None => decoder.text(text),
                        Some(bytes) => decoder.cut_text(text, bytes),
                    };
                    packet?.map_or(Ok(()), |packet| self.on_packet(packet))
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
            EnginePacket::Close => Err(SessionEnd::closed_by_client()),
            EnginePacket::Ignored => Ok(()),
        }
    }

    fn on_binary(&mut self, bytes: Bytes) -> Result<(), SessionEnd> {
        self.check_length(bytes.len(), false)?;
        match &mut self.protocol {
            Protocol::SocketIo(decoder) => {
                decoder.binary(bytes)?.map_or(Ok(()), |packet| self.on_packet(packet))
            }
            Protocol::Bare(handler) => {
                handler.message(EngineMessage::Binary(bytes));
                Ok(())
            }
        }
    }

    fn on_cut_binary(&mut self, bytes: usize) -> Result<(), SessionEnd> {
        self.check_length(bytes, false)?;
        match &mut self.protocol {
            Protocol::SocketIo(decoder) => {
                decoder.cut_binary(bytes)?.map_or(Ok(()), |packet| self.on_packet(packet))
            }
            // Its messages are read whole.
            Protocol::Bare(_) => Ok(()),
        }
    }

    fn on_packet(&mut self, packet: Packet) -> Result<(), SessionEnd> {
        match packet {
            Packet::Connect { namespace, data } => self.on_connect(&namespace, data),
            Packet::Disconnect { namespace } => self.on_disconnect(&namespace),
            Packet::Event { namespace, id, name, args, attachments } => {
                self.with_socket(&namespace, |entry| {
                    let ack = id.map(|id| Acknowledger::new(entry.socket.clone(), id));
                    let (not_kept, room) = (None, None);
                    let mut event =
                        Event { name, args, attachments, ack, not_kept, bytes: 0, room };
                    event.bytes = event.size_bytes();
                    entry.receive(event);
                })
            }
            Packet::LargeEvent { namespace, id, name, args, bytes } => {
                self.with_socket(&namespace, |entry| {
                    let ack = id.map(|id| Acknowledger::new(entry.socket.clone(), id));
                    let (not_kept, attachments, room) = (Some(NotKept::TooLarge), Vec::new(), None);
                    entry.receive(Event { name, args, attachments, ack, not_kept, bytes, room });
                })
            }
            // The server requests no acknowledgements, so every id is unknown and ignored.
            Packet::Ack { namespace, .. } => self.with_socket(&namespace, |_| {}),
            Packet::ConnectError { .. } => Err(DisconnectReason::ParseError.into()),
        }
    }

    fn on_connect(&mut self, name: &str, auth: Option<Box<RawValue>>) -> Result<(), SessionEnd> {
        if self.sockets.contains(name) {
            return Err(DisconnectReason::ParseError.into());
        }
        let Some(entry) = self.server.namespace(name) else {
            return self.send_connect_error(name, &Refusal::new("Invalid namespace"));
        };
        let Ok(id) = SocketId::random() else {
            tracing::error!("cannot get random bytes from the system; a client was refused");
            return self.send_connect_error(name, &Refusal::new("Internal server error"));
        };
        self.connects += 1;
        let key = self.sockets.next_key();
        self.handle.add_socket(key, entry.name.clone());
        let socket = Socket::new(id, entry.name, key, self.handle.clone());
        let auth = auth.unwrap_or_else(empty_object);
        let recovery_enabled = self.server.config.recovery;
        let request = ConnectRequest {
            recovery: recovery_enabled.then(|| RecoveryRequest::of(&auth)).flatten(),
            auth,
            remote: self.client.remote,
            attempt: self.connects,
            permit: Arc::clone(&self.client.permit),
        };
        let deadline = after(Instant::now(), self.server.config.connect_decision_timeout_ms);
        let call = call_connect(entry.namespace, request, socket.clone(), deadline);
        self.sockets.add(NamespaceSocket::connecting(socket, call));
        Ok(())
    }

    fn on_disconnect(&mut self, namespace: &str) -> Result<(), SessionEnd> {
        let mut disconnected = None;
        self.with_socket(namespace, |entry| {
            entry.disconnect(DisconnectReason::ClientNamespaceDisconnect);
            disconnected = Some(entry.socket.key());
        })?;
        if let Some(key) = disconnected {
            self.handle.remove(key);
        }
        Ok(())
    }

    /// Applies `act` to the socket connected to `namespace`. If there is none, the client violated
    /// the protocol, unless it may not know yet that it was disconnected.
    fn with_socket(
        &mut self,
        namespace: &str,
        act: impl FnOnce(&mut NamespaceSocket),
    ) -> Result<(), SessionEnd> {
        match self.sockets.target(namespace) {
            Target::Connected(entry) => {
                act(entry);
                Ok(())
            }
            Target::Disconnected => Ok(()),
            Target::Unknown => Err(DisconnectReason::ParseError.into()),
        }
    }
}

fn empty_object() -> Box<RawValue> {
    serde_json::value::to_raw_value(&serde_json::Map::new())
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}
