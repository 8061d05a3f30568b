//! Finding files.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    dsl::exists,
    pg::Pg,
    row::NamedRow,
    sql_types::{Jsonb, Text},
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{
        attachment::{Attachment, Place},
        store::Downloadable,
    },
    ids::{AttachmentId, UserId},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{attachment as read_attachment, good},
    schema::attachment,
    store::PgStore,
};

const FIND: &str = "
SELECT to_jsonb(a) AS file
FROM messaging.attachment AS a
JOIN messaging.message AS m ON m.id = a.message_id
JOIN messaging.conversation AS c ON c.id = m.conversation_id
WHERE a.id = $1 AND a.object_key IS NOT NULL AND $2 IN (c.salon_id, c.client_id)
UNION ALL
SELECT to_jsonb(u) FROM messaging.upload AS u
WHERE u.id = $1 AND u.owner_id = $2 AND u.media_type IS NOT NULL";

const FETCHABLE: &str = "
SELECT to_jsonb(a) AS file FROM messaging.attachment AS a WHERE a.id = $1 AND a.object_key IS NOT NULL
UNION ALL
SELECT to_jsonb(u) FROM messaging.upload AS u WHERE u.id = $1 AND u.media_type IS NOT NULL";

struct Found(Attachment);

impl QueryableByName<Pg> for Found {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let file = NamedRow::get::<Jsonb, serde_json::Value>(row, "file")?;
        good("file", read_attachment(file)).map(Self)
    }
}

pub(super) async fn find_attachment(
    store: &PgStore,
    id: &AttachmentId,
    viewer: &UserId,
) -> Result<Option<Attachment>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(FIND)
        .bind::<Text, _>(id.as_str())
        .bind::<Text, _>(viewer.as_str())
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Found(attachment)| attachment))
}

pub(super) async fn fetchable(
    store: &PgStore,
    id: &AttachmentId,
) -> Result<Option<Downloadable>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(FETCHABLE).bind::<Text, _>(id.as_str()).get_result(&mut *connection).await;
    Ok(found.optional()?.and_then(|Found(attachment)| match attachment.file.place() {
        Place::Hosted(_) => None,
        Place::Kept(picture) => {
            Some(Downloadable { name: attachment.file.name().to_owned(), picture: picture.clone() })
        }
    }))
}

pub(super) async fn carries_hosted(store: &PgStore, upload_key: &str) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let carriers = attachment::table.filter(attachment::upload_key.eq(upload_key));
    Ok(diesel::select(exists(carriers)).get_result(&mut *connection).await?)
}
