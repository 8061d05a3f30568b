//! What a test needs around it, which is how tests are sorted.

use super::binary::Binary;
use crate::failure::Failure;

/// A layer of tests, from the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// Nothing: rules, codecs, and the store's contract on its fake.
    Unit,
    /// PostgreSQL: the same contract, and what only a real one shows.
    Store,
    /// A socket: the wire formats, over the fake store.
    Protocol,
    /// The real server, from outside.
    EndToEnd,
    /// The system: the build's own tools.
    Tools,
}

impl Layer {
    /// In the order they run: what fails first should explain most.
    pub(super) const ALL: [Self; 5] =
        [Self::Unit, Self::Store, Self::Protocol, Self::EndToEnd, Self::Tools];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Store => "store",
            Self::Protocol => "protocol",
            Self::EndToEnd => "end to end",
            Self::Tools => "tools",
        }
    }

    /// Where `binary` belongs. A package nobody sorted is a failure, so that no test is left out.
    pub(super) fn of(binary: &Binary) -> Result<Self, Failure> {
        if !binary.is_outside {
            return Ok(Self::Unit);
        }
        match binary.package.as_str() {
            "domain" | "exporter" => Ok(Self::Unit),
            "importer" | "storage-pg" => Ok(Self::Store),
            "api" | "auth-jwt" | "mailer" | "media" | "socketio" => Ok(Self::Protocol),
            "server" => Ok(Self::EndToEnd),
            "testkit" | "xtask" => Ok(Self::Tools),
            other => Err(Failure::Other(format!(
                "{other} has tests of no layer; sort it in xtask/src/test/layer.rs"
            ))),
        }
    }
}
