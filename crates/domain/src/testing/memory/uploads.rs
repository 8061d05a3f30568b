use std::mem;

use async_trait::async_trait;

use super::{MemoryStore, State, messages::Record};
use crate::{
    conversation::{
        attachment::{Attachment, File, KeptPicture, Picture, Place},
        message::DraftFile,
        store::{BeginUpload, Downloadable, PostMessage, UploadStore},
    },
    ids::{AttachmentId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// What was uploaded and not sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Uploads(Vec<Upload>);

#[derive(Debug)]
struct Upload {
    begun: BeginUpload,
    picture: Option<Picture>,
}

impl Upload {
    /// What it is, once it is finished.
    fn attachment(&self) -> Option<Attachment> {
        let picture = KeptPicture { keys: self.begun.keys.clone(), picture: self.picture? };
        let file = File::kept(&self.begun.name, picture).expect("it was checked");
        Some(Attachment { id: self.begun.id.clone(), file })
    }
}

impl Uploads {
    /// The files of a message, no uploads any more; `None`, and nothing is changed, when one of the
    /// uploads is not its author's to send.
    pub(super) fn send(&mut self, post: &PostMessage) -> Option<Vec<Attachment>> {
        let ids = post.attachments.iter().zip(post.draft.files());
        let files = ids.map(|(id, file)| match file {
            DraftFile::Hosted(file) => Some(Attachment { id: id.clone(), file: file.clone() }),
            DraftFile::Uploaded(id) => self.finished(id, &post.author),
        });
        let files: Vec<_> = files.collect::<Option<_>>()?;
        self.0.retain(|upload| !post.attachments.contains(&upload.begun.id));
        Some(files)
    }

    fn finished(&self, id: &AttachmentId, owner: &UserId) -> Option<Attachment> {
        let upload = self.find(id).filter(|upload| upload.begun.owner == *owner)?;
        upload.attachment()
    }

    fn find(&self, id: &AttachmentId) -> Option<&Upload> {
        self.0.iter().find(|upload| upload.begun.id == *id)
    }

    fn unsent_of(&self, owner: &UserId) -> usize {
        self.0.iter().filter(|upload| upload.begun.owner == *owner).count()
    }
}

impl State {
    /// Takes the first `limit` of the uploads away that are `meant`, bytes and all. Returns how many
    /// there were.
    pub(super) fn drop_uploads(
        &mut self,
        meant: impl Fn(&BeginUpload) -> bool,
        limit: u32,
        at: Timestamp,
    ) -> u64 {
        let mut dropped = 0;
        for upload in mem::take(&mut self.uploads.0) {
            if meant(&upload.begun) && dropped < u64::from(limit) {
                dropped += 1;
                self.jobs.delete_picture(&upload.begun.keys, at);
            } else {
                self.uploads.0.push(upload);
            }
        }
        dropped
    }

    fn sent(&self, is_meant: impl Fn(&Attachment) -> bool) -> Option<&Attachment> {
        let posts = self.live().flat_map(Record::posts);
        posts.flat_map(|post| &post.attachments).find(|one| is_meant(one))
    }
}

#[async_trait]
impl UploadStore for MemoryStore {
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError> {
        let uploads = &mut self.state()?.uploads;
        let has_room = uploads.unsent_of(&upload.owner) < upload.unsent_max as usize;
        if has_room {
            uploads.0.push(Upload { begun: upload.clone(), picture: None });
        }
        Ok(has_room)
    }

    async fn finish_upload(
        &self,
        id: &AttachmentId,
        picture: &Picture,
    ) -> Result<bool, StoreError> {
        let uploads = &mut self.state()?.uploads;
        let upload = uploads.0.iter_mut().find(|upload| upload.begun.id == *id);
        Ok(upload.map(|upload| upload.picture = Some(*picture)).is_some())
    }

    async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError> {
        self.state()?.drop_uploads(|upload| upload.id == *id, 1, at);
        Ok(())
    }

    async fn purge_uploads(
        &self,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        Ok(self.state()?.drop_uploads(|upload| upload.at < before, limit, at))
    }

    async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError> {
        let state = self.state()?;
        let posts = state.live_of(viewer).flat_map(Record::posts);
        let mut sent = posts.flat_map(|post| &post.attachments).filter(|one| one.id == *id);
        let sent = sent.find(|one| matches!(one.file.place(), Place::Kept(_))).cloned();
        Ok(sent.or_else(|| state.uploads.finished(id, viewer)))
    }

    async fn fetchable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError> {
        let state = self.state()?;
        let unsent = || state.uploads.find(id).and_then(Upload::attachment);
        let file = state.sent(|one| one.id == *id).cloned().or_else(unsent).map(|one| one.file);
        Ok(file.and_then(|file| match file.place() {
            Place::Kept(picture) => {
                Some(Downloadable { name: file.name().to_owned(), picture: picture.clone() })
            }
            Place::Hosted(_) => None,
        }))
    }

    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError> {
        let is_meant = |one: &Attachment| match one.file.place() {
            Place::Hosted(hosted) => hosted.upload_key() == Some(upload_key),
            Place::Kept(_) => false,
        };
        Ok(self.state()?.sent(is_meant).is_some())
    }
}
