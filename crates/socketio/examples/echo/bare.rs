//! The bare Engine.IO application the public protocol checks talk to.

use socketio::{
    Config, DisconnectReason, EngineApplication, EngineHandler, EngineMessage, EngineSocket, Server,
};

/// A server that sends every message back as it came.
pub(crate) fn server(config: Config) -> Server {
    Server::builder(config).bare(Echo).build()
}

struct Echo;

impl EngineApplication for Echo {
    fn open(&self, socket: EngineSocket) -> Box<dyn EngineHandler> {
        Box::new(Echoing { socket })
    }
}

struct Echoing {
    socket: EngineSocket,
}

impl EngineHandler for Echoing {
    fn message(&mut self, message: EngineMessage) {
        // A client that cannot be told is on its way out.
        if !self.socket.send(message) {
            self.socket.close();
        }
    }

    fn closed(self: Box<Self>, _: DisconnectReason) {}
}
