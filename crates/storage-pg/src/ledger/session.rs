//! A connection of a lane, with its statements prepared.

use std::{cell::RefCell, collections::HashMap};

use domain::conversation::event::Event;
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use super::statements;
use crate::{
    connect::Connector,
    error::{Class, Failure},
    query::Statements,
    row::PgTimestamp,
};

/// A value of a statement.
pub(super) type Value<'v> = &'v (dyn ToSql + Sync);

/// The id of the transaction, which it has from then on at the latest.
const TRANSACTION: &str = "SELECT pg_current_xact_id()::text";

/// `NULL` when the server does not remember it any more.
const STATUS: &str = "SELECT pg_xact_status($1::text::xid8)";

const LOGGED: &str = "
SELECT EXISTS (SELECT FROM messaging.event
    WHERE conversation_id = $1::text AND seq = $2::bigint AND at = $3::timestamptz)";

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    Aborted,
    /// It has not ended.
    InProgress,
    /// The server cannot tell: it does not remember the transaction, or is another one than it was on.
    Unknown,
}

/// What became of a transaction that has written `event`. Its id alone may be that of another one, on a
/// server that took over without having received everything.
pub(super) async fn fate_of(
    client: &Client,
    transaction: &str,
    event: Option<&Event>,
) -> Result<Fate, Failure> {
    let status = match client.query_one(STATUS, &[&transaction]).await.map_err(Failure::from) {
        Ok(row) => row.try_get::<_, Option<String>>(0)?,
        // Such as that the id is one of the future.
        Err(failure) if failure.class() == Class::Internal => None,
        Err(failure) => return Err(failure),
    };
    match (status.as_deref(), event) {
        (Some("committed"), None) => Ok(Fate::Committed),
        // A statement of its own: it has to see what was committed until the first one.
        (Some("committed"), Some(event)) => {
            let (id, seq) = (event.conversation.as_str(), event.seq.get());
            let row = client.query_one(LOGGED, &[&id, &seq, &PgTimestamp(event.at)]).await?;
            Ok(if row.try_get(0)? { Fate::Committed } else { Fate::Unknown })
        }
        (Some("aborted"), _) => Ok(Fate::Aborted),
        (Some("in progress"), _) => Ok(Fate::InProgress),
        _ => Ok(Fate::Unknown),
    }
}

/// A connection. Requests made of it before the first is awaited travel together (pipelining).
pub(super) struct Session {
    client: Client,
    hot: Hot,
    /// The other statements, prepared when they are first used.
    others: RefCell<HashMap<&'static str, Statement>>,
    round_trips: Statements,
}

/// What posts and read marks need, prepared when the connection is opened.
pub(super) struct Hot {
    pub(super) heads_unlocked: Statement,
    pub(super) heads: Statement,
    pub(super) posts: Statement,
    pub(super) marks: Statement,
    pub(super) messages: Statement,
    pub(super) attachments: Statement,
    pub(super) read: Statement,
    pub(super) events: Statement,
    pub(super) update: Statement,
    pub(super) mail: Statement,
}

impl Session {
    pub(super) async fn open(
        connector: &Connector,
        round_trips: &Statements,
    ) -> Result<Self, Failure> {
        let client = connector.client().await?;
        let prepare = |sql| client.prepare(sql);
        let (
            heads_unlocked,
            heads,
            posts,
            marks,
            messages,
            attachments,
            read,
            events,
            update,
            mail,
        ) = futures_util::try_join!(
            prepare(statements::HEADS_UNLOCKED),
            prepare(statements::HEADS),
            prepare(statements::POSTS),
            prepare(statements::MARKS),
            prepare(statements::MESSAGES),
            prepare(statements::ATTACHMENTS),
            prepare(statements::READ),
            prepare(statements::EVENTS),
            prepare(statements::UPDATE),
            prepare(statements::MAIL),
        )?;
        let hot = Hot {
            heads_unlocked,
            heads,
            posts,
            marks,
            messages,
            attachments,
            read,
            events,
            update,
            mail,
        };
        Ok(Self { client, hot, others: RefCell::default(), round_trips: round_trips.clone() })
    }

    /// The statements of posts and read marks.
    pub(super) fn hot(&self) -> &Hot {
        &self.hot
    }

    /// Whether the connection is lost.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Counts a round trip.
    pub(super) fn count_round_trip(&self) {
        self.round_trips.add_one();
    }

    /// Runs a command without values: `BEGIN`, `COMMIT`, `ROLLBACK`.
    pub(super) async fn run(&self, command: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(command).await
    }

    /// The rows of a statement.
    pub(super) async fn query(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query(statement, values).await
    }

    /// Runs a statement. Returns the number of rows.
    pub(super) async fn execute(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> Result<u64, tokio_postgres::Error> {
        self.client.execute(statement, values).await
    }

    /// The rows of a statement that is not [hot](Self::hot), in a round trip of its own.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.other(sql).await?;
        self.count_round_trip();
        Ok(self.client.query(&statement, values).await?)
    }

    /// Runs such a statement. Returns the number of rows.
    pub(super) async fn change(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Failure> {
        let statement = self.other(sql).await?;
        self.count_round_trip();
        Ok(self.client.execute(&statement, values).await?)
    }

    /// The id of the transaction under way. Asked together with something else, it costs no round trip.
    pub(super) async fn transaction(&self) -> Result<String, Failure> {
        let statement = self.other(TRANSACTION).await?;
        Ok(self.client.query_one(&statement, &[]).await?.try_get(0)?)
    }

    /// See [`fate_of`].
    pub(super) async fn fate_of(
        &self,
        transaction: &str,
        event: Option<&Event>,
    ) -> Result<Fate, Failure> {
        fate_of(&self.client, transaction, event).await
    }

    async fn other(&self, sql: &'static str) -> Result<Statement, Failure> {
        if let Some(statement) = self.others.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.others.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use tokio_postgres::NoTls;

    use super::*;

    #[tokio::test]
    async fn a_server_tells_what_became_of_its_transactions_and_of_no_others() {
        let url = env::var("TEST_DATABASE_URL").expect("run the tests with `cargo xtask test`");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("it is there");
        tokio::spawn(connection);
        for (end, expected) in [("COMMIT", Fate::Committed), ("ROLLBACK", Fate::Aborted)] {
            client.batch_execute("BEGIN").await.expect("it begins");
            let row = client.query_one(TRANSACTION, &[]).await.expect("it has an id");
            let id: String = row.get(0);
            assert_eq!(fate_of(&client, &id, None).await.expect("an answer"), Fate::InProgress);
            client.batch_execute(end).await.expect("it ends");
            assert_eq!(fate_of(&client, &id, None).await.expect("an answer"), expected);
        }
        for foreign in ["18446744073709551614", "not a number"] {
            let fate = fate_of(&client, foreign, None).await;
            assert_eq!(fate.expect("an answer"), Fate::Unknown, "{foreign}");
        }
    }
}
