//! A connection of a lane, with its statements prepared.

use std::{cell::RefCell, collections::HashMap};

use tokio_postgres::{Client, Row, Statement, types::ToSql};

use super::statements;
use crate::{connect::Connector, error::Failure, query::Statements};

/// A value of a statement.
pub(super) type Value<'v> = &'v (dyn ToSql + Sync);

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

    async fn other(&self, sql: &'static str) -> Result<Statement, Failure> {
        if let Some(statement) = self.others.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.others.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }
}
