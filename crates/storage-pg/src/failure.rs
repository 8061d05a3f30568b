//! What went wrong, told without repeating anything that people wrote.

mod words;

use diesel::{
    ConnectionError,
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};
use domain::ports::StoreError;

use crate::record::Corrupt;

/// What a caller can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Come back when the database does.
    Unavailable,
    /// Come back later.
    Busy,
    /// Try at once again: the database let another transaction pass.
    Again,
    /// Connect to PostgreSQL itself: this is a connection pooler, and settings of ours do not hold.
    Pooler,
    /// Nothing.
    Internal,
}

/// A failure of the database, as the source of a [`StoreError`]. It names constraints, tables and
/// columns, and never a value: PostgreSQL's details and quotations, which hold values, are left out.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    class: Class,
    what: String,
}

impl Failure {
    pub(crate) fn new(class: Class, what: impl Into<String>) -> Self {
        Self { class, what: what.into() }
    }

    /// What a caller can do about it.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// What answers keeps no settings of a session.
    pub(crate) fn pooler() -> Self {
        Self::new(Class::Pooler, "a connection pooler drops the settings of our sessions")
    }

    /// Whether a second attempt may well succeed.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        self.class == Class::Again
    }

    /// A connection that could not be opened.
    pub(crate) fn connecting(error: &tokio_postgres::Error) -> Self {
        match error.code().map(tokio_postgres::error::SqlState::code) {
            // Insufficient resources: the server is there and has no place for us.
            Some(code) if code.starts_with("53") => Self::new(
                Class::Busy,
                format!("the server has no connection to spare (SQLSTATE {code})"),
            ),
            // A protocol violation, and a feature that is not supported: so poolers call settings that
            // come with the start of a session.
            Some("08P01" | "0A000") => Self::pooler(),
            Some(code) => Self::new(
                Class::Unavailable,
                format!("the server refused the connection (SQLSTATE {code})"),
            ),
            None => Self::new(Class::Unavailable, with_sources(error)),
        }
    }

    fn database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> Self {
        let class = match kind {
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
                return Self::new(Class::Unavailable, "the connection is broken");
            }
            DatabaseErrorKind::ReadOnlyTransaction => Class::Unavailable,
            DatabaseErrorKind::SerializationFailure => Class::Again,
            DatabaseErrorKind::Unknown => words::class_of(information.message()),
            _ => Class::Internal,
        };
        let mut what = words::without_quotations(information.message());
        let places = [
            ("constraint", information.constraint_name()),
            ("table", information.table_name()),
            ("column", information.column_name()),
        ];
        for (place, name) in places {
            if let Some(name) = name {
                what = format!("{what} ({place} {name})");
            }
        }
        Self::new(class, what)
    }
}

/// An error of the network or of encryption, with its causes. None of them holds what was sent.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_sources(source)),
        None => error.to_string(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => Self::database(kind, &*information),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            Error::BrokenTransactionManager => {
                Self::new(Class::Unavailable, "the connection broke within a transaction")
            }
            Error::DeserializationError(error) => match error.downcast_ref::<Corrupt>() {
                Some(corrupt) => Self::new(Class::Internal, corrupt.to_string()),
                None => Self::new(Class::Internal, "a row is not as the code expects it"),
            },
            // The one variant in which a failure of ours travels through Diesel's connection error.
            Error::QueryBuilderError(error) => match error.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(_) => Self::new(Class::Internal, "a statement could not be built"),
            },
            Error::NotFound => Self::new(Class::Internal, "a row that must be there is not"),
            _ => Self::new(Class::Internal, "a statement could not be run"),
        }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => Self::from(error),
            _ => Self::new(Class::Unavailable, "the connection could not be opened"),
        }
    }
}

impl From<Failure> for ConnectionError {
    fn from(failure: Failure) -> Self {
        Self::CouldntSetupConfiguration(Error::QueryBuilderError(Box::new(failure)))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.class {
            Class::Unavailable | Class::Pooler => Self::Unavailable(Box::new(failure)),
            Class::Busy | Class::Again => Self::Busy(Box::new(failure)),
            Class::Internal => Self::Internal(Box::new(failure)),
        }
    }
}
