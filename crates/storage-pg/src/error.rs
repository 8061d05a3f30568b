//! Database failures, described without user content.
//!
//! What a caller can do about one is told by its SQLSTATE. Diesel drops that: its error has a kind for
//! eight of them and otherwise only texts, in the language that `lc_messages` sets. Failures of its
//! statements are therefore told by their English text, and every session asks for English (see
//! [`Connector::connect`](crate::connect::Connector)).

use std::io;

use diesel::{
    ConnectionError,
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};
use domain::ports::StoreError;
use tokio_postgres::error::{DbError, Severity};

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
#[derive(Clone, Debug, thiserror::Error)]
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

    /// The failure of an insertion: if there is such a row already, somebody else inserted it at the same
    /// moment, and a retry finds it.
    pub(crate) fn or_again_if_duplicate(self) -> Self {
        if self.what.contains("23505") { Self { class: Class::Again, ..self } } else { self }
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

    /// A failure after `COMMIT` was sent, of it or of what was sent before it. Only an error after which
    /// the session goes on says that the transaction was rolled back. A session that ended may have
    /// committed first, whatever it says last: a full disk, for example, can be found while a commit that
    /// is on disk is made known.
    pub(crate) fn committing(error: tokio_postgres::Error) -> Self {
        let severity = error.as_db_error().and_then(DbError::parsed_severity);
        let failure = Self::from(error);
        match severity {
            Some(Severity::Error) => failure,
            _ => Self { class: Class::Unavailable, ..failure },
        }
    }

    /// What the server answered to a statement, by its SQLSTATE. Of its texts only the names of
    /// constraint, table and column are kept, and the routine of PostgreSQL that raised it: the
    /// others may contain values, and are in the server's language.
    fn answered(error: &DbError) -> Self {
        let code = error.code().code();
        let (class, meaning) = match error.parsed_severity() {
            _ if is_stale_plan(error) => (Class::Again, "a table changed under a statement"),
            // The session is over, whatever the reason. Memory and disk may be free again later.
            Some(Severity::Fatal | Severity::Panic) if !code.starts_with("53") => {
                (Class::Unavailable, "the server ended the session")
            }
            _ => meaning_of(code),
        };
        let mut what = format!("{meaning} (SQLSTATE {code})");
        if let Some(routine) = error.routine() {
            what = format!("{what} (routine {routine})");
        }
        let what = with_places(what, [error.constraint(), error.table(), error.column()]);
        Self::new(class, what)
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
        let places =
            [information.constraint_name(), information.table_name(), information.column_name()];
        Self::new(class, with_places(without_quotations(information.message()), places))
    }
}

/// `what` and the names of the constraint, the table and the column that it is about.
fn with_places(what: String, names: [Option<&str>; 3]) -> String {
    let places = ["constraint", "table", "column"].into_iter().zip(names);
    places.fold(what, |what, (place, name)| match name {
        Some(name) => format!("{what} ({place} {name})"),
        None => what,
    })
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

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return Self::answered(answer);
        }
        let cause = std::error::Error::source(&error);
        let is_broken = match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            // Kinds for what we sent, such as a text with a zero byte.
            Some(cause) => {
                !matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
            }
            None => error.is_closed(),
        };
        // Without its cause, which may contain a value that could not be sent or read.
        let class = if is_broken { Class::Unavailable } else { Class::Internal };
        Self::new(class, error.to_string())
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

// Classifying errors by their SQLSTATE.

/// SQLSTATEs, or their beginnings, with what the caller can do and what they mean. The first one that
/// fits counts. All others are [`Class::Internal`].
const STATES: [(&str, Class, &str); 14] = [
    ("08", Class::Unavailable, "the connection is broken"),
    ("25006", Class::Unavailable, "the server takes no changes"),
    ("25P03", Class::Unavailable, "the transaction was idle for too long"),
    ("25P04", Class::Unavailable, "the transaction took too long"),
    ("40001", Class::Again, "another transaction was in the way"),
    ("40P01", Class::Again, "deadlock"),
    ("53100", Class::Busy, "the disk is full"),
    ("53200", Class::Busy, "the server is out of memory"),
    ("53", Class::Busy, "the server is at one of its limits"),
    ("55P03", Class::Busy, "a lock was not free in time"),
    ("57014", Class::Busy, "the statement took too long or was cancelled"),
    ("57P", Class::Unavailable, "the server stops, starts, or ended the session"),
    ("58000", Class::Busy, "the server could not read or write a file"),
    ("58030", Class::Busy, "the server could not read or write a file"),
];

/// What the caller can do about an error with this SQLSTATE, and what it means.
fn meaning_of(code: &str) -> (Class, &'static str) {
    let known = STATES.iter().find(|(state, ..)| code.starts_with(state));
    known.map_or((Class::Internal, "the server refused the statement"), |(_, class, meaning)| {
        (*class, *meaning)
    })
}

/// Whether a statement prepared before a table change would return other columns. Its SQLSTATE is
/// that of every unsupported feature.
fn is_stale_plan(error: &DbError) -> bool {
    error.code().code() == "0A000" && error.routine() == Some("RevalidateCachedQuery")
}

// Classifying the errors of Diesel's statements by the server's message, and removing values from it.

/// Beginnings of PostgreSQL's English messages that it cannot serve us now. If the server answers in
/// another language, what they would tell is [`Class::Internal`].
const PHRASES: [(&str, Class); 17] = [
    ("terminating connection", Class::Unavailable),
    ("the database system is", Class::Unavailable),
    ("canceling statement due to conflict with recovery", Class::Again),
    ("canceling statement", Class::Busy),
    ("could not obtain lock", Class::Busy),
    ("deadlock detected", Class::Again),
    (STALE_STATEMENT, Class::Again),
    ("sorry, too many clients", Class::Busy),
    ("remaining connection slots", Class::Busy),
    ("too many connections", Class::Busy),
    ("could not extend file", Class::Busy),
    ("could not write", Class::Busy),
    ("could not fsync", Class::Busy),
    ("could not resize shared memory", Class::Busy),
    ("temporary file size exceeds", Class::Busy),
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

/// Failures of a real server.
#[cfg(test)]
mod sqlstate_tests {
    use std::env;

    use tokio::task::JoinHandle;
    use tokio_postgres::{Client, NoTls};

    use super::*;

    type Ended = Result<(), tokio_postgres::Error>;

    /// A session, and how its connection ends.
    async fn session() -> (Client, JoinHandle<Ended>) {
        let url = env::var("TEST_DATABASE_URL").expect("run the tests with `cargo xtask test`");
        let opened = tokio_postgres::connect(&url, NoTls).await;
        let (client, connection) = opened.expect("the server is there");
        (client, tokio::spawn(connection))
    }

    fn failed<T>(outcome: Result<T, tokio_postgres::Error>) -> Failure {
        Failure::from(outcome.err().expect("the server refuses that"))
    }

    async fn failure_of(client: &Client, sql: &str) -> Failure {
        failed(client.batch_execute(sql).await)
    }

    #[tokio::test]
    async fn an_answer_is_told_by_its_sqlstate_whatever_its_words() {
        let (client, _connection) = session().await;
        let table = [
            ("08006", Class::Unavailable),
            ("25006", Class::Unavailable),
            ("25P03", Class::Unavailable),
            ("25P04", Class::Unavailable),
            ("57P01", Class::Unavailable),
            ("57P02", Class::Unavailable),
            ("57P03", Class::Unavailable),
            ("57P04", Class::Unavailable),
            ("53000", Class::Busy),
            ("53100", Class::Busy),
            ("53200", Class::Busy),
            ("53300", Class::Busy),
            ("53400", Class::Busy),
            ("55P03", Class::Busy),
            ("57014", Class::Busy),
            ("58000", Class::Busy),
            ("58030", Class::Busy),
            ("40001", Class::Again),
            ("40P01", Class::Again),
            ("0A000", Class::Internal),
            ("22001", Class::Internal),
            ("23505", Class::Internal),
            ("42P01", Class::Internal),
            ("55000", Class::Internal),
            ("58P01", Class::Internal),
            ("P0001", Class::Internal),
            ("XX000", Class::Internal),
        ];
        for (code, class) in table {
            let raise = format!(
                "DO $$ BEGIN RAISE EXCEPTION 'un mot secret' USING ERRCODE = '{code}',
                    DETAIL = 'un secret', HINT = 'un secret', CONSTRAINT = 'c_1', TABLE = 't_1';
                END $$"
            );
            let failure = failure_of(&client, &raise).await;
            assert_eq!(failure.class(), class, "{code}");
            let written = format!("{failure} {failure:?}");
            for kept in [code, "(constraint c_1)", "(table t_1)"] {
                assert!(written.contains(kept), "no {kept} in {written}");
            }
            assert!(!written.contains("secret"), "{written}");
        }
    }

    #[tokio::test]
    async fn one_of_two_transactions_that_wait_for_each_other_may_try_again() {
        let ((one, _), (other, _)) = (session().await, session().await);
        let lock = async |client: &Client, key: i32| {
            client.batch_execute(&format!("SELECT pg_advisory_xact_lock(7353, {key})")).await
        };
        let mut keys = vec![];
        for client in [&one, &other] {
            let begin = "SET deadlock_timeout = '10ms'; BEGIN";
            client.batch_execute(begin).await.expect("it begins");
            let pid = client.query_one("SELECT pg_backend_pid()", &[]).await;
            let pid: i32 = pid.expect("a number").get(0);
            lock(client, pid).await.expect("nobody else takes this number");
            keys.push(pid);
        }
        let finish = async |client: &Client, key| {
            let locked = lock(client, key).await;
            client.batch_execute("ROLLBACK").await.expect("the session goes on");
            locked.map_err(Failure::from)
        };
        let outcomes = tokio::join!(finish(&one, keys[1]), finish(&other, keys[0]));
        let failures = [outcomes.0.err(), outcomes.1.err()];
        let classes: Vec<_> = failures.iter().flatten().map(Failure::class).collect();
        assert_eq!(classes, [Class::Again]);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_busy() {
        let (client, _connection) = session().await;
        let sleep = "SET statement_timeout = 1; SELECT pg_sleep(600)";
        assert_eq!(failure_of(&client, sleep).await.class(), Class::Busy);

        let (holder, _connection) = session().await;
        let hold = "SELECT pg_advisory_lock(7353, pg_backend_pid())";
        holder.batch_execute(hold).await.expect("nobody else takes this number");
        let pid = holder.query_one("SELECT pg_backend_pid()", &[]).await;
        let pid: i32 = pid.expect("a number").get(0);
        let wait = format!("SET lock_timeout = 1; SELECT pg_advisory_lock(7353, {pid})");
        client.batch_execute("RESET statement_timeout").await.expect("it can be reset");
        assert_eq!(failure_of(&client, &wait).await.class(), Class::Busy);
    }

    #[tokio::test]
    async fn a_session_that_ended_is_unavailable() {
        let (client, connection) = session().await;
        let kill = "SELECT pg_terminate_backend(pg_backend_pid())";
        let killed = failure_of(&client, kill).await;
        assert_eq!(killed.class(), Class::Unavailable, "{killed}");
        connection.await.expect("no panic").ok();
        let after = failure_of(&client, "SELECT 1").await;
        assert_eq!(after.class(), Class::Unavailable, "{after}");

        let (client, connection) = session().await;
        connection.abort();
        let dropped = failure_of(&client, "SELECT 1").await;
        assert_eq!(dropped.class(), Class::Unavailable, "{dropped}");

        let (client, connection) = session().await;
        let idle = "SET idle_in_transaction_session_timeout = 1; BEGIN";
        client.batch_execute(idle).await.expect("it begins");
        let idle = failed(connection.await.expect("no panic"));
        assert_eq!(idle.class(), Class::Unavailable, "{idle}");
        assert!(idle.to_string().contains("25P03"), "{idle}");
    }

    #[tokio::test]
    async fn a_statement_whose_table_changed_may_be_prepared_again() {
        let (client, _connection) = session().await;
        client.batch_execute("CREATE TEMP TABLE changing (a text)").await.expect("a table");
        let statement = client.prepare("SELECT * FROM changing").await.expect("a statement");
        client.query(&statement, &[]).await.expect("no rows");
        let change = "ALTER TABLE changing ADD COLUMN b text";
        client.batch_execute(change).await.expect("another column");
        let stale = failed(client.query(&statement, &[]).await);
        assert_eq!(stale.class(), Class::Again, "{stale}");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_or_read_is_internal_and_not_shown() {
        let (client, _connection) = session().await;
        let not_sent = failure_of(&client, "SELECT 'un secret\0'").await;
        let refused = failed(client.query("SELECT $1::text", &[&"un secret\0"]).await);
        let wrong_type = failed(client.query("SELECT $1::text", &[&42_i32]).await);
        let row = client.query_one("SELECT 'un secret'", &[]).await.expect("a row");
        let not_read = failed(row.try_get::<_, i32>(0));
        let no_row = failed(client.query_one("SELECT 1 WHERE false", &[]).await);
        for failure in [not_sent, refused, wrong_type, not_read, no_row] {
            assert_eq!(failure.class(), Class::Internal, "{failure}");
            assert!(!format!("{failure} {failure:?}").contains("secret"), "{failure}");
        }
    }
}
