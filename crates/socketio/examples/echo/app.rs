//! The application the public protocol checks talk to.

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, EmitError, Event, Frame, Handler,
    Namespace, Refusal, Server, Socket,
};

/// A server with the namespaces `/` and `/custom`.
pub(crate) fn server(config: Config) -> Server {
    Server::builder(config).namespace("/", Echo).namespace("/custom", Echo).build()
}

/// Lets everybody in and shows them what they came with.
struct Echo;

#[async_trait]
impl Namespace for Echo {
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        socket.emit("auth", &request.auth).map_err(|error| Refusal::new(error.to_string()))?;
        Ok(Accepted::new(Echoing { socket }))
    }
}

/// Sends every message back as it came.
struct Echoing {
    socket: Socket,
}

impl Echoing {
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
impl Handler for Echoing {
    async fn event(&mut self, event: Event) {
        // A client that cannot be told is about to be disconnected, which is all there is to do.
        if self.echo(event).is_err() {
            self.socket.disconnect();
        }
    }

    async fn disconnected(self: Box<Self>, _: DisconnectReason) {}
}
