//! Statements written in SQL, prepared once per connection.

use std::{
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use diesel::{
    QueryResult,
    connection::{Instrumentation, InstrumentationEvent},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};

use crate::error::is_stale_statement;

/// A statement with `$1`, `$2` … in its text, in the order of [`bind`](Self::bind).
///
/// Diesel's own `sql_query` is prepared each time, as its text might be dynamic; that is another
/// round trip. Texts here are constants, so a connection keeps them prepared.
pub(crate) struct Prepared<'v> {
    sql: &'static str,
    values: Vec<Box<dyn QueryFragment<Pg> + Send + 'v>>,
}

/// A statement without values yet.
pub(crate) fn prepared<'v>(sql: &'static str) -> Prepared<'v> {
    Prepared { sql, values: Vec::new() }
}

impl<'v> Prepared<'v> {
    /// Adds the value of the next parameter.
    pub(crate) fn bind<ST, V>(mut self, value: V) -> Self
    where
        Pg: HasSqlType<ST>,
        ST: Send + 'v,
        V: ToSql<ST, Pg> + Send + 'v,
    {
        self.values.push(Box::new(Value { value, sql_type: PhantomData::<ST> }));
        self
    }
}

impl QueryFragment<Pg> for Prepared<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.sql);
        // Diesel writes a placeholder wherever it takes a value. Ours are in the text already, so
        // these go into a comment.
        out.push_sql(" --");
        for value in &self.values {
            out.push_sql(" ");
            value.walk_ast(out.reborrow())?;
        }
        Ok(())
    }
}

/// Without a static id, the text itself is the key of the prepared statement.
impl QueryId for Prepared<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared<'_> {
    type SqlType = Untyped;
}

struct Value<V, ST> {
    value: V,
    sql_type: PhantomData<ST>,
}

impl<V, ST> QueryFragment<Pg> for Value<V, ST>
where
    Pg: HasSqlType<ST>,
    V: ToSql<ST, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param(&self.value)
    }
}

// Statistics of statements.

/// The number of statements sent, and when one was found stale, over all connections that share
/// this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    count: Arc<AtomicU64>,
    stale_at: Arc<Mutex<Option<Instant>>>,
}

impl Statements {
    /// Counts one more.
    pub(crate) fn add_one(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The number so far.
    pub(crate) fn count(&self) -> u64 {
        AtomicU64::load(&self.count, Ordering::Relaxed)
    }

    /// Whether a connection opened at `opened_at` may have statements prepared before a table
    /// change: since then a stale one was found.
    pub(crate) fn may_be_stale(&self, opened_at: Instant) -> bool {
        let stale_at = *self.stale_at.lock().unwrap_or_else(PoisonError::into_inner);
        stale_at.is_some_and(|stale_at| opened_at < stale_at)
    }
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            InstrumentationEvent::FinishQuery { error: Some(error), .. }
                if is_stale_statement(error) =>
            {
                let mut stale_at = self.stale_at.lock().unwrap_or_else(PoisonError::into_inner);
                *stale_at = Some(Instant::now());
            }
            _ => {}
        }
    }
}
