//! Database failures, described without user content.

use diesel::{
    ConnectionError,
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};
use domain::ports::StoreError;

/// What the caller of a failed operation can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Retry when the database is reachable again.
    Unavailable,
    /// Retry later.
    Busy,
    /// Retry at once: the transaction lost against another one, or a table changed and a new
    /// connection has to prepare the statement again.
    Again,
    /// Connect to PostgreSQL directly: this is a connection pooler that drops our settings.
    Pooler,
    /// Nothing.
    Internal,
}

/// A failure of the database, as the source of a [`StoreError`]. It names constraints, tables and
/// columns, and never a value: PostgreSQL's details and quotations, which contain values, are left
/// out.
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

    /// What the caller can do.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// A connection pooler that drops session settings.
    pub(crate) fn pooler() -> Self {
        Self::new(
            Class::Pooler,
            "a connection pooler refuses or drops the settings of our sessions",
        )
    }

    /// Whether an immediate retry may succeed.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        self.class == Class::Again
    }

    /// A connection that could not be opened.
    pub(crate) fn connecting(error: &tokio_postgres::Error) -> Self {
        match error.code().map(tokio_postgres::error::SqlState::code) {
            // Insufficient resources: the server is reachable but has no room for us.
            Some(code) if code.starts_with("53") => Self::new(
                Class::Busy,
                format!("the server has no connection to spare (SQLSTATE {code})"),
            ),
            // A protocol violation, or an unsupported feature: poolers refuse startup settings this
            // way. PostgreSQL itself does not for a valid startup.
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
            DatabaseErrorKind::Unknown => class_of(information.message()),
            _ => Class::Internal,
        };
        let mut what = without_quotations(information.message());
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

/// A network or TLS error with its causes. None of them contains what was sent.
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
            // The variant in which our failure passes through Diesel's connection error.
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

// Classifying errors by the server's message, and removing values from it.

/// Beginnings of PostgreSQL's messages that it cannot serve us now. Diesel passes on the kinds of
/// error it has names for and drops all other SQLSTATEs, so these are recognised by text. With a
/// non-English `lc_messages` they become [`Class::Internal`].
const PHRASES: [(&str, Class); 15] = [
    ("terminating connection", Class::Unavailable),
    ("the database system is", Class::Unavailable),
    ("canceling statement due to conflict with recovery", Class::Again),
    ("canceling statement", Class::Busy),
    ("deadlock detected", Class::Again),
    (STALE_STATEMENT, Class::Again),
    ("sorry, too many clients", Class::Busy),
    ("remaining connection slots", Class::Busy),
    ("too many connections", Class::Busy),
    ("could not extend file", Class::Busy),
    ("could not write", Class::Busy),
    ("could not fsync", Class::Busy),
    ("could not resize shared memory", Class::Busy),
    ("out of memory", Class::Busy),
    ("out of shared memory", Class::Busy),
];

/// PostgreSQL's message that a statement prepared before a table change would return other columns.
const STALE_STATEMENT: &str = "cached plan must not change result type";

/// Whether `error` requires preparing the statement again, on another connection.
pub(crate) fn is_stale_statement(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, error) if error.message().starts_with(STALE_STATEMENT))
}

/// The class of an error with this message.
fn class_of(message: &str) -> Class {
    let known = PHRASES.iter().find(|(phrase, _)| message.starts_with(phrase));
    known.map_or(Class::Internal, |(_, class)| *class)
}

/// `message` without everything from its first to its last quotation mark, which may be a value.
fn without_quotations(message: &str) -> String {
    let mark = |c: char| matches!(c, '"' | '\'' | '«' | '»' | '“' | '”' | '„' | '‘' | '’');
    match (message.find(mark), message.rfind(mark)) {
        (Some(first), Some(last)) => {
            let after = message[last..].chars().next().map_or(last, |mark| last + mark.len_utf8());
            format!("{}…{}", &message[..first], &message[after..])
        }
        _ => message.to_owned(),
    }
}

/// A stored value that breaks a rule of the domain. The value itself is not shown.
#[derive(Debug, thiserror::Error)]
#[error("the stored `{0}` is not a good one")]
pub(crate) struct Corrupt(pub(crate) String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_value_is_left_out() {
        let table = [
            ("relation \"messaging.message\" does not exist", "relation … does not exist"),
            (
                "invalid input syntax for type json: \"a\"b\"",
                "invalid input syntax for type json: …",
            ),
            ("la relation « message » n'existe pas", "la relation …existe pas"),
            ("one ' only", "one … only"),
            ("deadlock detected", "deadlock detected"),
        ];
        for (message, kept) in table {
            assert_eq!(without_quotations(message), kept);
        }
    }

    #[test]
    fn transient_errors_are_distinguished_from_permanent_ones() {
        let table = [
            ("canceling statement due to statement timeout", Class::Busy),
            ("canceling statement due to lock timeout", Class::Busy),
            ("deadlock detected", Class::Again),
            ("cached plan must not change result type", Class::Again),
            ("could not extend file \"base/1/2\": No space left on device", Class::Busy),
            ("terminating connection due to administrator command", Class::Unavailable),
            ("column \"x\" does not exist", Class::Internal),
        ];
        for (message, class) in table {
            assert_eq!(class_of(message), class, "{message}");
        }
    }
}
