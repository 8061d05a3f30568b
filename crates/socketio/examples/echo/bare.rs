//! The bare Engine.IO echo application of the public protocol tests.

use socketio::{
    Config, DisconnectReason, EngineApplication, EngineHandler, EngineMessage, EngineSocket, Server,
};

/// A server that sends every message back unchanged.
pub(crate) fn server(config: Config) -> Server {
    Server::builder(config).bare(Echo).build()
}

struct Echo;

impl EngineApplication for Echo {
    fn open(&self, socket: EngineSocket) -> Box<dyn EngineHandler> {
        Box::new(EchoHandler { socket })
    }
}

struct EchoHandler {
    socket: EngineSocket,
}

impl EngineHandler for EchoHandler {
    fn message(&mut self, message: EngineMessage) {
        // If sending fails, the session is ending already.
        if !self.socket.send(message) {
            self.socket.close();
        }
    }

    fn closed(self: Box<Self>, _: DisconnectReason) {}
}
