//! The demo data: two people and a conversation.

use serde_json::Value;

use super::server::Server;
use crate::{failure::Failure, run};

/// The output of `messaging-server demo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demo {
    /// The token of the salon.
    pub(super) salon_token: String,
    /// The token of the client.
    pub(super) client_token: String,
    /// The token of the platform's booking service.
    pub(super) service_token: String,
    /// The conversation between them.
    pub(super) conversation: String,
}

impl Demo {
    /// Creates the data with the command of the server. Repeating it changes nothing.
    pub(super) fn seed(server: &Server) -> Result<Self, Failure> {
        let printed = run::output(server.command().arg("demo"))?;
        Self::parse(&printed)
            .ok_or_else(|| Failure::Other("`messaging-server demo` did not print its JSON".into()))
    }

    fn parse(printed: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(printed).ok()?;
        let text = |path| json.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            salon_token: text("/salon/token")?,
            client_token: text("/client/token")?,
            service_token: text("/service/token")?,
            conversation: text("/conversation/id")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_server_is_parsed() {
        let printed = r#"{"salon":{"id":"demo-salon","token":"s.s.s"},
            "client":{"id":"demo-client","token":"c.c.c"},
            "service":{"id":"demo-service","token":"p.p.p"},"conversation":{"id":"0199"}}"#;
        let demo = Demo {
            salon_token: "s.s.s".into(),
            client_token: "c.c.c".into(),
            service_token: "p.p.p".into(),
            conversation: "0199".into(),
        };
        assert_eq!(Demo::parse(printed), Some(demo));
    }

    #[test]
    fn a_missing_token_is_noticed() {
        assert_eq!(Demo::parse(r#"{"salon":{"id":"demo-salon"}}"#), None);
    }
}
