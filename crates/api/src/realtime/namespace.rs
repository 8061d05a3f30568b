//! The doorstep: who may connect.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    caller::Caller,
    ports::{TokenError, TokenVerifier},
};
use serde::Deserialize;
use serde_json::json;
use socketio::{Accepted, ConnectRequest, Namespace, Refusal, Socket};

use super::session::{Context, Session};
use crate::{
    code::Code,
    failure::Failure,
    texts::{self, Language},
};

/// The namespace of conversations.
pub(super) struct Door {
    pub(super) context: Arc<Context>,
    pub(super) tokens: Arc<dyn TokenVerifier>,
}

#[derive(Default, Deserialize)]
struct Auth {
    token: Option<String>,
}

#[async_trait]
impl Namespace for Door {
    async fn connect(
        &self,
        request: ConnectRequest,
        socket: Socket,
    ) -> Result<Accepted, Refusal> {
        let caller = self.caller(request.auth.get()).map_err(|failure| refusal(&failure))?;
        let Context { hub, messaging, settings, .. } = &*self.context;
        let recognised = messaging.recognise(&caller).await;
        recognised.map_err(|error| refusal(&Failure::from(error)))?;

        let bound = settings.sessions_per_person_max;
        let entered = hub.enter(&caller.user, Arc::new(socket.clone()), caller.expires_at, bound);
        let key = entered.ok_or_else(|| {
            refusal(&Failure::new(Code::TooManySessions, texts::TOO_MANY_SESSIONS))
        })?;
        hub.count_unread(&caller.user);
        tracing::debug!(user.id = %caller.user, "session begins");
        Ok(Accepted::new(Session { context: self.context.clone(), caller, key, socket }))
    }
}

impl Door {
    fn caller(&self, auth: &str) -> Result<Caller, Failure> {
        let auth: Auth = serde_json::from_str(auth).unwrap_or_default();
        let token = auth.token.ok_or(TokenError::Invalid)?;
        Ok(self.tokens.verify(without_scheme(&token))?)
    }
}

/// The token comes raw; a `Bearer ` in front of it is tolerated (D11).
fn without_scheme(token: &str) -> &str {
    match token.split_at_checked(7) {
        Some((scheme, raw)) if scheme.eq_ignore_ascii_case("bearer ") => raw.trim_start(),
        _ => token,
    }
}

fn refusal(failure: &Failure) -> Refusal {
    failure.log();
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
    Refusal::new(message).with_data(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_in_front_of_a_token_is_tolerated() {
        for token in ["abc.def", "Bearer abc.def", "bearer  abc.def"] {
            assert_eq!(without_scheme(token), "abc.def");
        }
        assert_eq!(without_scheme("é"), "é");
        assert_eq!(without_scheme("Bearer"), "Bearer");
    }
}
