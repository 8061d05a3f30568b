//! The echo application of the public Socket.IO protocol tests.

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, EmitError, Event, Frame, Handler,
    Namespace, Refusal, Server, Socket,
};

/// A server with the namespaces `/` and `/custom`.
pub(crate) fn server(config: Config) -> Server {
    Server::builder(config).namespace("/", Echo).namespace("/custom", Echo).build()
}

/// Accepts every client and sends its `auth` object back.
struct Echo;

#[async_trait]
impl Namespace for Echo {
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        socket.emit("auth", &request.auth).map_err(|error| Refusal::new(error.to_string()))?;
        Ok(Accepted::new(EchoHandler { socket }))
    }
}

/// Sends every message back unchanged.
struct EchoHandler {
    socket: Socket,
}

impl EchoHandler {
    fn echo(&self, event: Event) -> Result<(), EmitError> {
        match (event.name.as_str(), event.ack) {
            ("message", _) => {
                let namespace = self.socket.namespace();
                let frame =
                    Frame::from_raw(namespace, "message-back", &event.args, event.attachments)?;
                self.socket.send(&frame)
            }
            ("message-with-ack", Some(ack)) => ack.send_raw(&event.args, event.attachments),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Handler for EchoHandler {
    async fn event(&mut self, event: Event) {
        // If sending fails, the client is being disconnected already.
        if self.echo(event).is_err() {
            self.socket.disconnect();
        }
    }

    async fn disconnected(self: Box<Self>, _: DisconnectReason) {}
}
