//! Rows imported before.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{import::Fingerprint, time::Timestamp};

use crate::{error::Failure, query::prepared, row::PgTimestamp};

const FIND: &str = "
SELECT known.id, known.fingerprint, known.last_seq FROM messaging.imported AS known
WHERE known.kind = $1 AND known.id = ANY($2)";

const REMEMBER: &str = "
INSERT INTO messaging.imported (kind, id, fingerprint, last_seq, at)
SELECT $1, taken.id, taken.fingerprint, taken.last_seq, $5
FROM unnest($2::text[], $3::bytea[], $4::bigint[]) AS taken (id, fingerprint, last_seq)
ON CONFLICT (kind, id) DO UPDATE SET
    fingerprint = excluded.fingerprint, last_seq = excluded.last_seq, at = excluded.at";

/// A kind of row, with its word in the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Person,
    Conversation,
    Preference,
    Mail,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Conversation => "conversation",
            Self::Preference => "preference",
            Self::Mail => "mail",
        }
    }
}

/// The state at the time of import.
#[derive(QueryableByName)]
pub(super) struct Imported {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Binary)]
    fingerprint: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) last_seq: Option<i64>,
}

impl Imported {
    pub(super) fn is(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprint == fingerprint
    }
}

/// The earlier imports of `ids`.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    kind: Kind,
    ids: Vec<&str>,
) -> Result<HashMap<String, Imported>, Failure> {
    let known: Vec<Imported> = prepared(FIND)
        .bind::<Text, _>(kind.word())
        .bind::<Array<Text>, _>(ids)
        .load(connection)
        .await?;
    Ok(known.into_iter().map(|known| (known.id.clone(), known)).collect())
}

/// An imported row.
pub(super) struct Taken<'t> {
    pub(super) id: &'t str,
    pub(super) fingerprint: &'t Fingerprint,
    pub(super) last_seq: Option<i64>,
}

/// Records the imported rows.
pub(super) async fn remember(
    connection: &mut AsyncPgConnection,
    kind: Kind,
    taken: &[Taken<'_>],
    at: Timestamp,
) -> Result<(), Failure> {
    let ids: Vec<_> = taken.iter().map(|it| it.id).collect();
    let fingerprints: Vec<_> = taken.iter().map(|it| it.fingerprint.as_slice()).collect();
    let positions: Vec<_> = taken.iter().map(|it| it.last_seq).collect();
    prepared(REMEMBER)
        .bind::<Text, _>(kind.word())
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Binary>, _>(fingerprints)
        .bind::<Array<Nullable<BigInt>>, _>(positions)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}
