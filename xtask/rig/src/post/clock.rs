//! What the database says of mail, which no test waits an hour for.

use crate::{Fault, database::Database, wait};

/// Waits until no mail waits and none is under way.
///
/// # Errors
/// When some does all the time.
pub async fn all_settled(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail settled", left).await
}

/// Waits until whatever waits to be told was put off to a later moment.
///
/// # Errors
/// When something never is.
pub async fn all_put_off(database: &Database) -> Result<(), Fault> {
    let left = "SELECT (SELECT count(*) FROM messaging.pending_mail WHERE wait_until IS NULL)
        + (SELECT count(*) FROM messaging.mail WHERE NOT is_closed)
        + (SELECT count(*) FROM messaging.job WHERE kind = 'send_mail')";
    until_none(database, "every mail put off", left).await
}

/// For mail an hour passes at once: everything that it remembers happened an hour earlier.
///
/// # Errors
/// When the database does not take it.
pub async fn an_hour_passes(database: &Database) -> Result<(), Fault> {
    pass(database, "1 hour").await
}

/// For mail a day passes at once.
///
/// # Errors
/// See [`an_hour_passes`].
pub async fn a_day_passes(database: &Database) -> Result<(), Fault> {
    pass(database, "24 hours").await
}

async fn pass(database: &Database, time: &str) -> Result<(), Fault> {
    let earlier = format!(
        "BEGIN;
        UPDATE messaging.pending_mail
        SET since = since - interval '{time}', wait_until = wait_until - interval '{time}';
        UPDATE messaging.mailed_conversation SET at = at - interval '{time}';
        UPDATE messaging.mail SET at = at - interval '{time}';
        COMMIT"
    );
    let moved = database.client().await?.batch_execute(&earlier).await;
    moved.map_err(Fault::while_doing("let time pass"))
}

async fn until_none(database: &Database, what: &str, count: &str) -> Result<(), Fault> {
    let client = database.client().await?;
    wait::until(what, async || {
        let row = client.query_one(count, &[]).await;
        let row = row.map_err(Fault::while_doing("count the mails that are left"))?;
        Ok((row.get::<_, i64>(0) == 0).then_some(()))
    })
    .await
}
