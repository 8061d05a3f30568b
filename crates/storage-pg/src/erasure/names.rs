//! Notices that greet a client by name.

use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Jsonb, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{appointments::notice::Notice, ids::ConversationId, participant::Language};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, good, notice, notice_as_json},
    schema::message,
};

const NAMING: &str = "
SELECT id::text AS id, notice FROM messaging.message
WHERE conversation_id = $1 AND author_side = 'salon' AND deleted_at IS NULL AND notice ? 'first_name'";

struct Naming {
    id: String,
    notice: Notice,
}

impl QueryableByName<Pg> for Naming {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let stored = NamedRow::get::<Jsonb, serde_json::Value>(row, "notice")?;
        Ok(Self { id: row.text("id")?, notice: good("notice", notice(&stored))? })
    }
}

/// Writes the notices of a conversation again without a name, in the language of the house. Returns
/// how many there were.
pub(super) async fn take_out(
    connection: &mut AsyncPgConnection,
    conversation: &ConversationId,
) -> Result<usize, Failure> {
    let naming: Vec<Naming> =
        prepared(NAMING).bind::<Text, _>(conversation.as_str()).load(connection).await?;
    let renamed = naming.len();
    for Naming { id, notice } in naming {
        let nameless = notice.without_name();
        diesel::update(message::table.find(id))
            .set((
                message::notice.eq(Some(notice_as_json(&nameless))),
                message::content.eq(nameless.text(Language::default()).as_str()),
            ))
            .execute(connection)
            .await?;
    }
    Ok(renamed)
}
