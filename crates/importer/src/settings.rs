//! Where the source is, and how it is read.

use domain::ports::StoreError;
use tokio_postgres::{Config, error::SqlState};

/// How an import goes. Every bound has its unit in its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the source is. With `sslmode=require`, certificate and host are checked; `prefer`, the
    /// default, encrypts where that is possible.
    pub source: Config,
    /// The schema of its tables; `None` for the one that its search path leads to.
    pub schema: Option<String>,
    /// Whether nothing is written: what would become of everything is told all the same.
    pub is_dry_run: bool,
    /// The most people, conversations or preferences that are read at once.
    pub page_rows_max: u32,
    /// The most messages that are read at once, unless one conversation has more.
    pub page_messages_max: u32,
    /// How long opening the connection to the source may take, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl Settings {
    /// The usual bounds, for the database `source`.
    pub fn new(source: Config) -> Self {
        Self {
            source,
            schema: None,
            is_dry_run: false,
            page_rows_max: 500,
            page_messages_max: 4_000,
            connect_timeout_ms: 10_000,
        }
    }
}

// Why an import stopped.

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
