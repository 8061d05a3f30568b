//! Questions to a browser in its own protocol, DevTools.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Fault, wait::within};

/// A conversation with a browser or one of its pages.
#[derive(Debug)]
pub(super) struct Devtools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    exceptions: Vec<String>,
}

impl Devtools {
    /// Begins it at this address.
    pub(super) async fn open(url: &str) -> Result<Self, Fault> {
        let opened = within("the browser", connect_async(url)).await?;
        let (socket, _) = opened.map_err(Fault::while_doing("talk to the browser"))?;
        Ok(Self { socket, asked: 0, exceptions: Vec::new() })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Fault> {
        self.asked += 1;
        let question = json!({ "id": self.asked, "method": method, "params": params });
        let sent = self.socket.send(Message::text(question.to_string())).await;
        sent.map_err(Fault::while_doing(method))?;
        within(method, self.answer(method)).await?
    }

    /// What went wrong in the page so far and was caught by nobody.
    pub(super) fn exceptions(&self) -> &[String] {
        &self.exceptions
    }

    async fn answer(&mut self, method: &str) -> Result<Value, Fault> {
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(Fault::while_doing(method))? else {
                continue;
            };
            let mut said: Value =
                serde_json::from_str(&text).map_err(Fault::while_doing(method))?;
            if said["method"] == "Runtime.exceptionThrown" {
                self.exceptions.push(said["params"]["exceptionDetails"].to_string());
            }
            if said["id"] == self.asked {
                return match said.get("error") {
                    None => Ok(said["result"].take()),
                    Some(error) => Err(Fault::new(format!("{method}: {error}"))),
                };
            }
        }
        Err(Fault::new(format!("{method}: the browser is gone")))
    }
}
