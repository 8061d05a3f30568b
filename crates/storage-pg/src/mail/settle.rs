//! Carrying out a verdict, in one statement. The work is done by `messaging.settle_mail`.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::ConversationId,
    mail::{MailDecision, NewMail, PendingNotifications},
};

use super::case::recent_since;
use crate::{
    failure::{Class, Failure},
    prepared::prepared,
    record::PgTimestamp,
    store::PgStore,
};

const SETTLE: &str =
    "SELECT messaging.settle_mail($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS is_settled";

struct Settled(bool);

impl QueryableByName<Pg> for Settled {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        NamedRow::get::<Bool, bool>(row, "is_settled").map(Self)
    }
}

pub(super) async fn settle(
    store: &PgStore,
    case: &PendingNotifications,
    verdict: &MailDecision,
    mail: &NewMail,
) -> Result<bool, Failure> {
    let (let_go, noted) = let_go(case, verdict)?;
    let wait: Vec<_> = verdict.wait.iter().map(|(id, _)| id.as_str()).collect();
    let until: Vec<_> = verdict.wait.iter().map(|(_, until)| PgTimestamp(*until)).collect();
    let tell: Vec<_> = verdict.tell.iter().map(|(id, _)| id.as_str()).collect();
    let up_to: Vec<_> = verdict.tell.iter().map(|(_, up_to)| up_to.get()).collect();
    let mut connection = store.connection().await?;
    let Settled(is_settled) = prepared(SETTLE)
        .bind::<Text, _>(mail.recipient.as_str())
        .bind::<BigInt, _>(case.version)
        .bind::<Text, _>(mail.id.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(mail.at))
        .bind::<Timestamptz, _>(PgTimestamp(recent_since(mail.at)))
        .bind::<Array<Text>, _>(wait)
        .bind::<Array<Timestamptz>, _>(until)
        .bind::<Array<Text>, _>(let_go)
        .bind::<Array<BigInt>, _>(noted)
        .bind::<Array<Text>, _>(tell)
        .bind::<Array<BigInt>, _>(up_to)
        .get_result(&mut *connection)
        .await?;
    Ok(is_settled)
}

/// What waits no more, and how much was noted there when the decision was made.
fn let_go<'a>(
    case: &PendingNotifications,
    verdict: &'a MailDecision,
) -> Result<(Vec<&'a str>, Vec<i64>), Failure> {
    let told = verdict.tell.iter().map(|(id, _)| id);
    let forgotten = verdict.forget.iter().map(|(id, _)| id);
    let seen = |id: &'a ConversationId| {
        let seen = case.waiting.iter().find(|waiting| waiting.conversation == *id);
        let seen = seen.ok_or_else(|| Failure::new(Class::Internal, "not about its case"))?;
        Ok((id.as_str(), seen.noted.cast_signed()))
    };
    let seen: Result<Vec<_>, Failure> = told.chain(forgotten).map(seen).collect();
    Ok(seen?.into_iter().unzip())
}
