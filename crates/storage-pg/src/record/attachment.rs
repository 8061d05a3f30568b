//! Files, as they travel to and from the database.

use domain::{
    conversation::{
        attachment::{
            Attachment, File, FileUrl, KeptPicture, MediaType, ObjectKey, Picture, PictureKeys,
            Place,
        },
        message::DraftFile,
    },
    ids::AttachmentId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file to be stored. One that is an upload is there already and needs no more than its id.
#[derive(Serialize)]
struct NewFile<'f> {
    id: &'f str,
    #[serde(flatten)]
    hosted: Option<NewHosted<'f>>,
}

#[derive(Serialize)]
struct NewHosted<'f> {
    name: &'f str,
    url: &'f str,
    media_type: &'f str,
    size_bytes: u32,
    upload_key: Option<&'f str>,
}

/// A stored file; its fields are the columns.
#[derive(Deserialize)]
struct StoredFile {
    id: String,
    name: String,
    url: Option<String>,
    media_type: String,
    size_bytes: u32,
    upload_key: Option<String>,
    object_key: Option<String>,
    thumbnail_key: Option<String>,
    width_px: Option<u32>,
    height_px: Option<u32>,
    thumbnail_type: Option<String>,
}

/// `files` under their `ids`, in order.
pub(crate) fn files_as_json(
    ids: &[AttachmentId],
    files: &[DraftFile],
) -> serde_json::Result<Value> {
    let records = ids.iter().zip(files).map(|(id, file)| match file {
        DraftFile::Hosted(file) => NewFile { id: id.as_str(), hosted: hosted(file) },
        DraftFile::Uploaded(id) => NewFile { id: id.as_str(), hosted: None },
    });
    serde_json::to_value(records.collect::<Vec<_>>())
}

fn hosted(file: &File) -> Option<NewHosted<'_>> {
    match file.place() {
        Place::Kept(_) => None,
        Place::Hosted(hosted) => Some(NewHosted {
            name: file.name(),
            url: hosted.url().as_str(),
            media_type: file.media_type().as_str(),
            size_bytes: file.size_bytes(),
            upload_key: hosted.upload_key(),
        }),
    }
}

/// The files that a list of rows spells; `None` when one breaks a rule.
pub(crate) fn attachments(rows: Value) -> Option<Vec<Attachment>> {
    let files: Vec<StoredFile> = serde_json::from_value(rows).ok()?;
    files.into_iter().map(stored).collect()
}

/// The file that a row spells; `None` when it breaks a rule.
pub(crate) fn attachment(row: Value) -> Option<Attachment> {
    stored(serde_json::from_value(row).ok()?)
}

fn stored(row: StoredFile) -> Option<Attachment> {
    let id = AttachmentId::parse(&row.id).ok()?;
    let media_type = MediaType::parse(&row.media_type).ok()?;
    let file = match &row.url {
        Some(url) => {
            let url = FileUrl::parse(url).ok()?;
            File::hosted(&row.name, url, media_type, row.size_bytes.into(), row.upload_key)
        }
        None => File::kept(&row.name, kept(&row, media_type)?),
    };
    Some(Attachment { id, file: file.ok()? })
}

fn kept(row: &StoredFile, media_type: MediaType) -> Option<KeptPicture> {
    let key = |key: &Option<String>| ObjectKey::parse(key.as_deref()?).ok();
    Some(KeptPicture {
        keys: PictureKeys { full: key(&row.object_key)?, thumbnail: key(&row.thumbnail_key)? },
        picture: Picture {
            media_type,
            size_bytes: row.size_bytes,
            width_px: row.width_px?,
            height_px: row.height_px?,
            thumbnail_type: MediaType::parse(row.thumbnail_type.as_deref()?).ok()?,
        },
    })
}
