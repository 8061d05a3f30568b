//! Why a command failed.

use std::{error::Error, fmt, process::ExitCode};

/// The failure of a verb, with its exit status.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was called the wrong way: status 2, and the usage is shown.
    Usage(String),
    /// It was interrupted: status 130.
    Interrupted,
    /// A program that it ran failed with this status, and has printed why.
    Program(String, u8),
    /// Anything else: status 1.
    Other(String),
}

impl Failure {
    /// The text of `error` and of all its sources.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Self::Other(text)
    }

    /// For `map_err`: the action that failed.
    pub(crate) fn while_doing(doing: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Other(format!("could not {doing}: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Interrupted => ExitCode::from(130),
            Self::Program(_, status) => ExitCode::from(*status),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) => f.write_str(text),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Program(name, status) => write!(f, "{name} failed with status {status}"),
        }
    }
}

impl From<xtask::postgres::ClusterError> for Failure {
    fn from(error: xtask::postgres::ClusterError) -> Self {
        Self::from_error(&error)
    }
}

impl From<xtask::node::NodeError> for Failure {
    fn from(error: xtask::node::NodeError) -> Self {
        Self::from_error(&error)
    }
}

impl From<xtask::package::Missing> for Failure {
    fn from(error: xtask::package::Missing) -> Self {
        Self::from_error(&error)
    }
}

/// For verbs that take no arguments.
pub(crate) fn no_arguments(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(unknown) => Err(Failure::Usage(format!("`{unknown}` is not expected here"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_whole_chain() {
        let source = std::io::Error::other("disk full");
        let error = xtask::node::NodeError::Start(source);
        let text = Failure::from(error).to_string();
        assert_eq!(text, "npm could not be started: disk full");
    }
}
