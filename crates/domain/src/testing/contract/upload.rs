use super::stage::{ANSWERS, Stage};
use crate::{
    attachment::{Attachment, File, MediaType},
    id::{AttachmentId, ClientMessageId, UserId},
    message::{Draft, DraftFile, MessageKind},
    object::{KeptPicture, Picture, PictureKeys},
    ports::{BeginUpload, Ids},
    testing::fixture::{content, picture},
};

/// An upload that `owner` is about to begin.
pub(super) fn upload(stage: &Stage<'_>, owner: &UserId) -> BeginUpload {
    BeginUpload {
        id: stage.mint(),
        owner: owner.clone(),
        name: "Léa – bras.jpg".to_owned(),
        keys: PictureKeys::new(stage.ids().next()),
        unsent_max: 10,
        at: stage.now(),
    }
}

/// An upload whose bytes are on their way.
pub(super) async fn begun(stage: &Stage<'_>, owner: &UserId) -> BeginUpload {
    let upload = upload(stage, owner);
    assert!(stage.store.begin_upload(&upload).await.expect(ANSWERS), "there is room");
    upload
}

/// Finishes an upload that was begun.
pub(super) async fn finish(stage: &Stage<'_>, upload: &BeginUpload) -> KeptPicture {
    let media_type = |text| MediaType::parse(text).expect("a type that is taken");
    let picture = Picture {
        media_type: media_type("image/jpeg"),
        size_bytes: 123_456,
        width_px: 3_000,
        height_px: 4_000,
        thumbnail_type: media_type("image/webp"),
    };
    let finished = stage.store.finish_upload(&upload.id, &picture).await;
    assert!(finished.expect(ANSWERS), "it was begun");
    KeptPicture { keys: upload.keys.clone(), picture }
}

/// An upload that may be sent.
pub(super) async fn finished(stage: &Stage<'_>, owner: &UserId) -> Attachment {
    let upload = begun(stage, owner).await;
    let picture = finish(stage, &upload).await;
    let file = File::kept(&upload.name, picture).expect("a good file");
    Attachment { id: upload.id, file }
}

/// A message of uploads alone, under the sender's own `key` if there is one.
pub(super) fn sending(uploads: &[&AttachmentId], key: Option<&str>) -> Draft {
    let files = uploads.iter().map(|id| DraftFile::Uploaded((*id).clone())).collect();
    draft(files, key)
}

/// A message of an upload, a picture from elsewhere, and another upload.
pub(super) fn mixed(first: &AttachmentId, last: &AttachmentId, key: Option<&str>) -> Draft {
    let [first, last] = [first, last].map(|id| DraftFile::Uploaded(id.clone()));
    draft(vec![first, picture(1), last], key)
}

fn draft(files: Vec<DraftFile>, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientMessageId::parse(key).expect("a good key"));
    Draft::new(MessageKind::Image, content(""), files, key).expect("it can be sent")
}

/// The jobs that delete both forms of pictures, as [`Stage::tasks`] shows them.
pub(super) fn object_jobs(keys: &[&PictureKeys]) -> Vec<(String, String)> {
    let objects = keys.iter().flat_map(|keys| [&keys.full, &keys.thumbnail]);
    let mut jobs: Vec<_> =
        objects.map(|key| ("delete_object".to_owned(), key.as_str().to_owned())).collect();
    jobs.sort();
    jobs
}
