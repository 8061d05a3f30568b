//! The settings of an import, and its errors.

use domain::ports::StoreError;
use tokio_postgres::{Config, error::SqlState};

/// The settings of an import. Every bound has its unit in its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database of the legacy system. `sslmode=require` checks certificate and host; `prefer`, the default,
    /// encrypts where that is possible.
    pub source: Config,
    /// The schema of its tables; `None` for that of its search path.
    pub schema: Option<String>,
    /// Whether nothing is written; the report is the same.
    pub is_dry_run: bool,
    /// The most rows of a page: people, conversations, preferences or mails.
    pub page_rows_max: u32,
    /// The most messages of a page, unless one conversation has more.
    pub page_messages_max: u32,
    /// How long opening the connection to the source may take, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl Settings {
    /// The default bounds, for the database `source`.
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

// Errors.

/// Reading the source failed. Contains no value of a row.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub(crate) String);

impl From<tokio_postgres::Error> for SourceError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) => Self(format!("the database answered SQLSTATE {}", code.code())),
            None => Self(with_sources(&error)),
        }
    }
}

/// An error of the network, of TLS or of the protocol, with its causes.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_sources(source)),
        None => error.to_string(),
    }
}

/// Why an import stopped. What was imported until then stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The address is that of a connection pooler.
    #[error(
        "the address of the source leads to a connection pooler, such as PgBouncer, which drops the settings of \
         our session: give the one of PostgreSQL itself"
    )]
    Pooler,
    /// TLS is required, and this machine trusts no certificate authority.
    #[error("the operating system has no certificates to trust")]
    NoTrustedCertificates,
    /// The source lacks tables or columns of the legacy system.
    #[error("the source is not a database of the legacy system; it lacks {0}")]
    NotTheLegacySystem(String),
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
            // Poolers answer so to settings in the startup message.
            Some("08P01" | "0A000") => Self::Pooler,
            _ => Self::Source(error.into()),
        }
    }
}
