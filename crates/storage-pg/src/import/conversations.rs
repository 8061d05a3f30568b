//! Conversations that are taken over, with all that was said in them.

use std::sync::Arc;

use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    import::{
        ImportedConversation,
        store::{ImportOutcome, ImportRow, ImportStep},
    },
    time::Timestamp,
};

use super::{
    by_index, conversation_rows,
    known::{self, Kind, Taken},
    let_in, mark, message_rows,
    obstacles::Obstacles,
};
use crate::{failure::Failure, prepared::prepared, store::PgStore};

const REMOVE_FILES: &str = "
DELETE FROM messaging.attachment AS file USING messaging.message AS said
WHERE said.id = file.message_id AND said.conversation_id = ANY($1)";
const REMOVE_MESSAGES: &str =
    "DELETE FROM messaging.message AS said WHERE said.conversation_id = ANY($1)";

type Page = Arc<[ImportRow<ImportedConversation>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<ImportOutcome>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            by_index(connection).await?;
            let obstacles = Obstacles::find(connection, &page, step.mark.is_none()).await?;
            let landings = obstacles.landings(&page);
            if let Some(progress) = &step.mark {
                write(connection, &page, &landings, &obstacles, step.at).await?;
                mark::save(connection, progress, &step).await?;
            }
            Ok(landings)
        })
        .await
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<ImportedConversation>],
    landings: &[ImportOutcome],
    obstacles: &Obstacles,
    at: Timestamp,
) -> Result<(), Failure> {
    let taken: Vec<_> = let_in(page, landings).map(|(it, _)| it).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let replaced = let_in(page, landings).filter(|(_, landing)| *landing == ImportOutcome::Updated);
    let replaced: Vec<_> = replaced.map(|(it, _)| it.value.id.as_str()).collect();
    if !replaced.is_empty() {
        empty(connection, &replaced).await?;
    }
    let positioned: Vec<_> = taken.iter().map(|it| (&it.value, last_seq(it, obstacles))).collect();
    conversation_rows::enter(connection, &positioned).await?;
    message_rows::enter(connection, &positioned).await?;
    let noted = taken.iter().zip(&positioned).map(|(it, (conversation, last_seq))| Taken {
        id: conversation.id.as_str(),
        fingerprint: &it.fingerprint,
        last_seq: Some(*last_seq),
    });
    known::remember(connection, Kind::Conversation, &noted.collect::<Vec<_>>(), at).await
}

/// The newest position. What replaces something takes one more at least, so that whoever saw the
/// old one finds that the log does not reach back to it.
fn last_seq(incoming: &ImportRow<ImportedConversation>, obstacles: &Obstacles) -> i64 {
    let ours = incoming.value.last_seq.get();
    let here = obstacles.here.get(incoming.value.id.as_str());
    here.map_or(ours, |here| ours.max(here.last_seq + 1))
}

async fn empty(connection: &mut AsyncPgConnection, ids: &[&str]) -> Result<(), Failure> {
    for statement in [REMOVE_FILES, REMOVE_MESSAGES] {
        prepared(statement).bind::<Array<Text>, _>(ids.to_vec()).execute(connection).await?;
    }
    Ok(())
}
