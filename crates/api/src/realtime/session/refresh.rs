//! Another token for the same session (D11).

use serde_json::{Map, Value};

use super::{Session, identity};
use crate::{code::Code, failure::Failure, texts};

impl Session {
    /// Takes `token` in place of the one before. The session now lasts as long as it does.
    pub(super) async fn refresh(&mut self, token: &str) -> Result<Value, Failure> {
        let caller = identity::caller(&self.context, Some(token)).await?;
        if caller.user != self.caller.user {
            return Err(Failure::new(Code::Unauthorized, texts::NOT_AUTHENTICATED));
        }
        self.context.hub.renew(self.key, caller.expires_at);
        let ends = caller.expires_at.map(|end| ("expiresAt".to_owned(), end.to_string().into()));
        self.caller = caller;
        Ok(Value::Object(Map::from_iter(ends)))
    }
}
