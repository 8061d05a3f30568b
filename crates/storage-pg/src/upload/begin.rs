//! Noting an upload, and what its bytes turned out to be.

use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{attachment::Picture, store::BeginUpload},
    ids::AttachmentId,
};

use crate::{
    failure::{Class, Failure},
    prepared::prepared,
    record::PgTimestamp,
    schema::upload,
    store::PgStore,
};

const BEGIN: &str = "SELECT messaging.begin_upload($1, $2, $3, $4, $5, $6, $7) AS begun";

#[derive(QueryableByName)]
struct Begun {
    #[diesel(sql_type = Bool)]
    begun: bool,
}

pub(super) async fn begin(store: &PgStore, upload: &BeginUpload) -> Result<bool, Failure> {
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

pub(super) async fn finish(
    store: &PgStore,
    id: &AttachmentId,
    picture: &Picture,
) -> Result<bool, Failure> {
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
