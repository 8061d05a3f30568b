//! Changing subject and status.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        event::{Event, EventKind},
        store::{EditConversation, StatusEdit},
    },
    text::Subject,
};

use super::lock::{self, Locked};
use crate::{failure::Failure, record::PgTimestamp, schema::conversation, store::PgStore};

pub(super) async fn edit(
    store: PgStore,
    edit: EditConversation,
) -> Result<Option<Vec<Event>>, Failure> {
    let mut connection = store.connection().await?;
    connection.transaction(async |connection| change(connection, &edit).await).await
}

async fn change(
    connection: &mut AsyncPgConnection,
    edit: &EditConversation,
) -> Result<Option<Vec<Event>>, Failure> {
    let Some(locked) = Locked::take(connection, &edit.conversation, &edit.by).await? else {
        return Ok(None);
    };
    let subject = edit.subject.clone().unwrap_or_else(|| locked.subject.clone());
    let status = match edit.status {
        None => locked.status,
        Some(StatusEdit::Set(status)) => status,
        Some(StatusEdit::Toggle) => locked.status.toggled(),
    };
    if subject == locked.subject && status == locked.status {
        return Ok(Some(Vec::new()));
    }
    let kind = EventKind::ConversationUpdated { subject: subject.clone(), status };
    let event = locked.next_event(&edit.by, edit.at, kind);
    diesel::update(conversation::table.find(locked.id.as_str()))
        .set((
            conversation::subject.eq(subject.as_ref().map(Subject::as_str)),
            conversation::status.eq(status.as_str()),
            conversation::updated_at.eq(PgTimestamp(edit.at)),
            conversation::last_seq.eq(event.seq.get()),
        ))
        .execute(connection)
        .await?;
    lock::log(connection, &event).await?;
    Ok(Some(vec![event]))
}
