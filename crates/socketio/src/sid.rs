//! Unguessable identifiers.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

/// 160 bits; 120 are enough to make a session id unguessable.
const RANDOM_BYTES: usize = 20;

/// Identifies one [`Socket`](crate::Socket). Random and URL-safe. Independent of the secret
/// Engine.IO session id, so it may be shown to others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Arc<str>);

impl SocketId {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(random_text()?.into()))
    }

    /// The id as sent on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SocketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Identifies an Engine.IO session. A secret: anyone who knows it can use the session. So it has no
/// `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EngineId(Arc<str>);

impl EngineId {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(random_text()?.into()))
    }

    /// The id, for use on the wire only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for EngineId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineId(…)")
    }
}

fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_url_safe_and_different() {
        let one = SocketId::random().expect("the system has randomness");
        let other = SocketId::random().expect("the system has randomness");
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 27);
        assert!(one.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    }

    #[test]
    fn an_engine_id_does_not_print_itself() {
        let id = EngineId::random().expect("the system has randomness");
        assert!(!format!("{id:?}").contains(id.expose()));
    }
}
