//! Rows into domain values.

mod appointment;
mod attachment;
mod conversation;
mod event;
mod job;
mod mail;
mod message;
mod notice;
mod participant;

use diesel::{
    QueryableByName,
    deserialize::{FromSql, Result},
    pg::{Pg, PgValue, data_types},
    row::NamedRow,
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use domain::{
    conversation::Side,
    ids::{MessageId, Seq},
    time::Timestamp,
};
use serde_json::Value;

pub(crate) use attachment::{attachment, attachments, files_as_json};
pub(crate) use event::{EventRow, NewEvent};
pub(crate) use mail::{waiting, wishes};
pub(crate) use notice::{notice, notice_as_json};
pub(crate) use participant::{author_of_new, participant};

/// A stored value that breaks a rule of the domain. The value itself is not told.
#[derive(Debug, thiserror::Error)]
#[error("the stored `{0}` is not a good one")]
pub(crate) struct Corrupt(pub(crate) String);

/// A domain value that a row of named columns spells.
pub(crate) trait FromColumns: Sized {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self>;
}

/// Lets a statement return any [`FromColumns`].
pub(crate) struct Row<T>(pub(crate) T);

impl<T: FromColumns> QueryableByName<Pg> for Row<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        T::from_columns(row).map(Self)
    }
}

/// A row, column by column.
pub(crate) trait Columns<'a>: NamedRow<'a, Pg> {
    fn text(&self, column: &str) -> Result<String> {
        NamedRow::get::<Text, String>(self, column)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>> {
        NamedRow::get::<Nullable<Text>, Option<String>>(self, column)
    }

    fn maybe_json(&self, column: &str) -> Result<Option<Value>> {
        NamedRow::get::<Nullable<Jsonb>, Option<Value>>(self, column)
    }

    fn at(&self, column: &str) -> Result<Timestamp> {
        Ok(NamedRow::get::<Timestamptz, PgTimestamp>(self, column)?.0)
    }

    fn maybe_at(&self, column: &str) -> Result<Option<Timestamp>> {
        let at = NamedRow::get::<Nullable<Timestamptz>, Option<PgTimestamp>>(self, column)?;
        Ok(at.map(|at| at.0))
    }

    fn seq(&self, column: &str) -> Result<Seq> {
        let seq = NamedRow::get::<BigInt, i64>(self, column)?;
        good(column, Seq::new(seq))
    }

    fn count(&self, column: &str) -> Result<u64> {
        let count = NamedRow::get::<BigInt, i64>(self, column)?;
        good(column, u64::try_from(count))
    }

    fn small_count(&self, column: &str) -> Result<u32> {
        let count = NamedRow::get::<Integer, i32>(self, column)?;
        good(column, u32::try_from(count))
    }

    fn parsed<T, G: IntoValue<T>>(&self, column: &str, parse: impl FnOnce(&str) -> G) -> Result<T> {
        good(column, parse(&self.text(column)?))
    }

    fn maybe_parsed<T, G: IntoValue<T>>(
        &self,
        column: &str,
        parse: impl FnOnce(&str) -> G,
    ) -> Result<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| good(column, parse(&text))).transpose()
    }
}

impl<'a, R: NamedRow<'a, Pg>> Columns<'a> for R {}

/// What came of reading a stored value.
pub(crate) trait IntoValue<T> {
    fn into_option(self) -> Option<T>;
}

impl<T> IntoValue<T> for Option<T> {
    fn into_option(self) -> Self {
        self
    }
}

impl<T, E> IntoValue<T> for std::result::Result<T, E> {
    fn into_option(self) -> Option<T> {
        self.ok()
    }
}

/// The value, or the complaint that `column` holds none.
pub(crate) fn good<T>(column: &str, value: impl IntoValue<T>) -> Result<T> {
    value.into_option().ok_or_else(|| Corrupt(column.to_owned()).into())
}

/// A point in time, as PostgreSQL counts: microseconds since 2000.
#[derive(Clone, Copy, Debug, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub(crate) struct PgTimestamp(pub(crate) Timestamp);

/// 2000-01-01T00:00:00Z, in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 946_684_800_000;

impl FromSql<Timestamptz, Pg> for PgTimestamp {
    fn from_sql(bytes: PgValue<'_>) -> Result<Self> {
        let data_types::PgTimestamp(micros) = FromSql::<Timestamptz, Pg>::from_sql(bytes)?;
        good("time", Timestamp::from_millis(micros.div_euclid(1_000) + EPOCH_MILLIS)).map(Self)
    }
}

impl ToSql<Timestamptz, Pg> for PgTimestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = (self.0.as_millis() - EPOCH_MILLIS) * 1_000;
        ToSql::<Timestamptz, Pg>::to_sql(&data_types::PgTimestamp(micros), &mut out.reborrow())
    }
}

/// The word for a side in the tables.
pub(crate) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Salon => "salon",
        Side::Client => "client",
    }
}

/// The ids in an array column.
pub(crate) fn message_ids(ids: &[String]) -> Result<Vec<MessageId>> {
    ids.iter().map(|id| good("message_ids", MessageId::parse(id))).collect()
}
