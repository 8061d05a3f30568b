//! Uploads (D16).

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    dsl::exists,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Bool, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        attachment::{Attachment, Picture, StorageLocation},
        store::{BeginUpload, Downloadable, UploadStore},
    },
    ids::{AttachmentId, UserId},
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    error::{Class, Failure},
    query::prepared,
    row::{Columns, PgTimestamp, attachment as read_attachment, decode},
    schema::{attachment, upload},
    store::{PgStore, with_retry},
};

#[async_trait]
impl UploadStore for PgStore {
    #[tracing::instrument(name = "db.upload.begin", skip_all, fields(attachment.id = %upload.id))]
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError> {
        with_retry(|| begin(self, upload)).await
    }

    #[tracing::instrument(name = "db.upload.finish", skip_all, fields(attachment.id = %id))]
    async fn finish_upload(
        &self,
        id: &AttachmentId,
        picture: &Picture,
    ) -> Result<bool, StoreError> {
        with_retry(|| finish(self, id, picture)).await
    }

    #[tracing::instrument(name = "db.upload.abandon", skip_all, fields(attachment.id = %id))]
    async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError> {
        with_retry(|| abandon(self, id, at)).await
    }

    #[tracing::instrument(name = "db.upload.purge", skip_all)]
    async fn purge_uploads(
        &self,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        with_retry(|| purge(self, before, limit, at)).await
    }

    #[tracing::instrument(name = "db.attachment.find", skip_all, fields(attachment.id = %id))]
    async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError> {
        with_retry(|| find_attachment(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.attachment.fetchable", skip_all, fields(attachment.id = %id))]
    async fn downloadable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError> {
        with_retry(|| downloadable(self, id)).await
    }

    #[tracing::instrument(name = "db.attachment.hosted", skip_all)]
    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError> {
        with_retry(|| carries_hosted(self, upload_key)).await
    }
}

// Starting and finishing uploads.

/// Nothing is begun for who was asked to be forgotten. No upload has the new id, but looking for it with a
/// lock makes the statement a writer before it sees whether they were: an erasure waits for writers.
const BEGIN: &str = "
WITH same AS (
    SELECT FROM messaging.upload WHERE id = $1 FOR KEY SHARE
)
SELECT CASE
    WHEN EXISTS (SELECT FROM messaging.erasure WHERE person_id = $2) THEN false
    ELSE messaging.begin_upload($1, $2, $3, $4, $5, $6, $7)
END AS begun
FROM (SELECT count(*) FROM same) AS known";

#[derive(QueryableByName)]
struct Begun {
    #[diesel(sql_type = Bool)]
    begun: bool,
}

async fn begin(store: &PgStore, upload: &BeginUpload) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let Begun { begun } = prepared(BEGIN)
        .bind::<Text, _>(upload.id.as_str())
        .bind::<Text, _>(upload.owner.as_str())
        .bind::<Text, _>(upload.name.as_str())
        .bind::<Text, _>(upload.keys.full.as_str())
        .bind::<Text, _>(upload.keys.thumbnail.as_str())
        .bind::<BigInt, _>(i64::from(upload.unsent_max))
        .bind::<Timestamptz, _>(PgTimestamp(upload.at))
        .get_result(&mut *connection)
        .await?;
    Ok(begun)
}

async fn finish(store: &PgStore, id: &AttachmentId, picture: &Picture) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let finished = diesel::update(upload::table.find(id.as_str()))
        .set((
            upload::media_type.eq(Some(picture.media_type.as_str())),
            upload::size_bytes.eq(Some(column(picture.size_bytes)?)),
            upload::width_px.eq(Some(column(picture.width_px)?)),
            upload::height_px.eq(Some(column(picture.height_px)?)),
            upload::thumbnail_type.eq(Some(picture.thumbnail_type.as_str())),
        ))
        .execute(&mut *connection)
        .await?;
    Ok(finished > 0)
}

fn column(number: u32) -> Result<i32, Failure> {
    i32::try_from(number)
        .map_err(|_| Failure::new(Class::Internal, "a picture has a number beyond its column"))
}

// Finding files.

const FIND: &str = "
SELECT to_jsonb(a) AS file
FROM messaging.attachment AS a
JOIN messaging.message AS m ON m.id = a.message_id
JOIN messaging.conversation AS c ON c.id = m.conversation_id
WHERE a.id = $1 AND a.object_key IS NOT NULL AND $2 IN (c.salon_id, c.client_id)
UNION ALL
SELECT to_jsonb(u) FROM messaging.upload AS u
WHERE u.id = $1 AND u.owner_id = $2 AND u.media_type IS NOT NULL";

/// Nothing of who asked to be forgotten, although it is not deleted yet.
const FETCHABLE: &str = "
SELECT to_jsonb(a) AS file
FROM messaging.attachment AS a
JOIN messaging.message AS m ON m.id = a.message_id
JOIN messaging.conversation AS c ON c.id = m.conversation_id
WHERE a.id = $1 AND a.object_key IS NOT NULL AND NOT EXISTS (
    SELECT FROM messaging.erasure
    WHERE person_id = CASE m.author_side WHEN 'salon' THEN c.salon_id WHEN 'client' THEN c.client_id END
)
UNION ALL
SELECT to_jsonb(u) FROM messaging.upload AS u
WHERE u.id = $1 AND u.media_type IS NOT NULL
    AND NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = u.owner_id)";

struct Found(Attachment);

impl QueryableByName<Pg> for Found {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let file = NamedRow::get::<Jsonb, serde_json::Value>(row, "file")?;
        decode("file", read_attachment(file)).map(Self)
    }
}

async fn find_attachment(
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

async fn downloadable(store: &PgStore, id: &AttachmentId) -> Result<Option<Downloadable>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(FETCHABLE).bind::<Text, _>(id.as_str()).get_result(&mut *connection).await;
    Ok(found.optional()?.and_then(|Found(attachment)| match attachment.file.location() {
        StorageLocation::Hosted(_) => None,
        StorageLocation::Stored(picture) => {
            Some(Downloadable { name: attachment.file.name().to_owned(), picture: picture.clone() })
        }
    }))
}

async fn carries_hosted(store: &PgStore, upload_key: &str) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let carriers = attachment::table.filter(attachment::upload_key.eq(upload_key));
    Ok(diesel::select(exists(carriers)).get_result(&mut *connection).await?)
}

// Deleting unsent uploads. Their bytes are deleted by jobs.

const ABANDON: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.upload WHERE id = $2)",
    include_str!("upload/forget.sql"),
);

/// Skips uploads that are being sent.
const PURGE: &str = concat!(
    "WITH picked AS (
        SELECT id FROM messaging.upload WHERE begun_at < $2
        ORDER BY begun_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )",
    include_str!("upload/forget.sql"),
);

const ALL_OF: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.upload WHERE owner_id = $2 ORDER BY id FOR UPDATE)",
    include_str!("upload/forget.sql"),
);

/// The number of deleted uploads.
struct DeletedUploads(u64);

impl QueryableByName<Pg> for DeletedUploads {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.count("uploads").map(Self)
    }
}

async fn abandon(store: &PgStore, id: &AttachmentId, at: Timestamp) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared(ABANDON)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(id.as_str())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn purge(
    store: &PgStore,
    before: Timestamp,
    limit: u32,
    at: Timestamp,
) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let DeletedUploads(uploads) = prepared(PURGE)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Timestamptz, _>(PgTimestamp(before))
        .bind::<BigInt, _>(i64::from(limit))
        .get_result(&mut *connection)
        .await?;
    Ok(uploads)
}

/// Deletes all unsent uploads of `owner`. Returns their number.
pub(crate) async fn delete_unsent_of(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    at: Timestamp,
) -> Result<u64, Failure> {
    let DeletedUploads(uploads) = prepared(ALL_OF)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(owner.as_str())
        .get_result(connection)
        .await?;
    Ok(uploads)
}
