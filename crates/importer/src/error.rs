//! Why an import stopped.

use domain::ports::StoreError;
use tokio_postgres::error::SqlState;

/// What went wrong with the source. No value of a row is told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub(crate) String);

impl From<tokio_postgres::Error> for SourceError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) => Self(format!("the database says SQLSTATE {}", code.code())),
            None => Self(with_sources(&error)),
        }
    }
}

/// An error of the network, of encryption or of the protocol, with its causes.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_sources(source)),
        None => error.to_string(),
    }
}

/// Why an import stopped. What was taken over until then stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What answers is no PostgreSQL.
    #[error(
        "the address of the source leads to a connection pooler, such as PgBouncer, which drops the settings of \
         our session: give the one of PostgreSQL itself"
    )]
    Pooler,
    /// Encryption is asked for, and this machine trusts no certificate authority.
    #[error("the operating system has no certificates to trust")]
    NoTrustedCertificates,
    /// The source lacks what the former system had.
    #[error("the source is not a database of the former system; it lacks {0}")]
    NotTheFormerSystem(String),
    /// The source could not be read.
    #[error("the source could not be read")]
    Source(#[from] SourceError),
    /// Our store failed.
    #[error("what was read could not be stored")]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for ImportError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code().map(SqlState::code) {
            // So poolers call settings that come with the start of a session.
            Some("08P01" | "0A000") => Self::Pooler,
            _ => Self::Source(error.into()),
        }
    }
}
