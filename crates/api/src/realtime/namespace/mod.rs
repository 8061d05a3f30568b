//! The Socket.IO door: who may connect, and what is said through it.

mod handler;
mod outlet;
mod tenant;
mod visit;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use socketio::{Accepted, ConnectRequest, Namespace, Refusal, Socket};

use self::{
    handler::SocketSession, outlet::SocketEventSink, tenant::ActiveSession, visit::ConnectHandler,
};
use super::{
    Settings,
    recovery::SessionTable,
    session::{ConnectAttempt, Context, Session},
};
use crate::{
    code::Code,
    failure::Failure,
    input::{Fields, Object},
    texts::{self, Language},
};

/// The namespace of conversations.
pub(super) struct MessagingNamespace {
    context: Arc<Context>,
    holders: SessionTable<ActiveSession>,
}

/// Whether the client wants to go on where it was cut off, if it says so: `true` or `false`, also as
/// texts, for clients that know but those.
fn recovery_wish(auth: &Fields) -> Option<bool> {
    match auth.get("recovery")? {
        Value::Bool(wish) => Some(*wish),
        Value::String(wish) => wish.parse().ok(),
        _ => None,
    }
}

#[async_trait]
impl Namespace for MessagingNamespace {
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        let accepted = self.let_in(request, socket).await;
        accepted.map_err(|failure| refusal(&failure))
    }
}

impl MessagingNamespace {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, holders: SessionTable::new() }
    }

    async fn let_in(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Failure> {
        let auth = Object::parse(request.auth.get()).unwrap_or_default();
        auth.check()?;
        let newcomer = ConnectAttempt {
            token: auth.fields.get("token").and_then(Value::as_str),
            address: self.context.limits.address_of_newcomer(&request),
        };
        let admitted = Session::admit(&self.context, newcomer).await?;
        let Settings { recovery_key, recovery_offered, .. } = &self.context.settings;
        let wish = recovery_wish(&auth.fields);
        match recovery_key.as_ref().filter(|_| recovery_offered.to(wish)) {
            None => {
                let outlet = Arc::new(SocketEventSink { socket: socket.clone(), ticket: None });
                let session = Session::enter(&self.context, admitted, outlet)?;
                Ok(Accepted::new(SocketSession { session, socket, hold: None }))
            }
            Some(key) => {
                let visit = ConnectHandler { door: self, key, socket };
                visit.receive(admitted, request.recovery.as_ref()).await
            }
        }
    }
}

fn refusal(failure: &Failure) -> Refusal {
    failure.log();
    if failure.code() == Code::Unavailable {
        return Refusal::not_now();
    }
    let message = match failure.code() {
        Code::Unauthorized | Code::TokenExpired => {
            texts::NOT_AUTHENTICATED.say(Language::French).to_owned()
        }
        _ => failure.message(Language::French),
    };
    let mut data = json!({ "code": failure.code().as_str() });
    if let Some(wait) = failure.retry_after_ms() {
        data["retryAfterMs"] = wait.into();
    }
    let details = failure.details(Language::French);
    if !details.is_empty() {
        data["details"] = details.into();
    }
    Refusal::new(message).with_data(data)
}

#[cfg(test)]
mod tests;
