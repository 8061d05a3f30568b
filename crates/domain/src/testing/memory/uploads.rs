use std::mem;

use async_trait::async_trait;

use super::{MemoryStore, State, messages::StoredConversation};
use crate::{
    conversation::{
        attachment::{Attachment, File, Picture, StorageLocation, StoredPicture},
        ledger::Post,
        store::{BeginUpload, Downloadable, UploadStore},
    },
    ids::{AttachmentId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Unsent uploads, oldest first.
#[derive(Debug, Default)]
pub(super) struct Uploads(Vec<Upload>);

#[derive(Debug)]
struct Upload {
    request: BeginUpload,
    picture: Option<Picture>,
}

impl Upload {
    /// The attachment, once it is finished.
    fn attachment(&self) -> Option<Attachment> {
        let picture = StoredPicture { keys: self.request.keys.clone(), picture: self.picture? };
        let file = File::stored(&self.request.name, picture).expect("it was checked");
        Some(Attachment { id: self.request.id.clone(), file })
    }
}

impl Uploads {
    /// The finished uploads that a draft names and its author owns.
    pub(super) fn finished_for(&self, post: &Post) -> Vec<Attachment> {
        post.draft.uploads().filter_map(|id| self.finished(id, &post.author)).collect()
    }

    /// Removes uploads that were sent.
    pub(super) fn take(&mut self, sent: &[AttachmentId]) {
        self.0.retain(|upload| !sent.contains(&upload.request.id));
    }

    fn finished(&self, id: &AttachmentId, owner: &UserId) -> Option<Attachment> {
        let upload = self.find(id).filter(|upload| upload.request.owner == *owner)?;
        upload.attachment()
    }

    fn find(&self, id: &AttachmentId) -> Option<&Upload> {
        self.0.iter().find(|upload| upload.request.id == *id)
    }

    fn unsent_of(&self, owner: &UserId) -> usize {
        self.0.iter().filter(|upload| upload.request.owner == *owner).count()
    }
}

impl State {
    /// Deletes the first `limit` uploads that match, with their bytes. Returns how many.
    pub(super) fn drop_uploads(
        &mut self,
        matches: impl Fn(&BeginUpload) -> bool,
        limit: u32,
        at: Timestamp,
    ) -> u64 {
        let mut dropped = 0;
        for upload in mem::take(&mut self.uploads.0) {
            if matches(&upload.request) && dropped < u64::from(limit) {
                dropped += 1;
                self.jobs.delete_picture(&upload.request.keys, at);
            } else {
                self.uploads.0.push(upload);
            }
        }
        dropped
    }

    fn sent(&self, matches: impl Fn(&Attachment) -> bool) -> Option<&Attachment> {
        let posts = self.live().flat_map(StoredConversation::posts);
        posts.flat_map(|post| &post.attachments).find(|one| matches(one))
    }
}

#[async_trait]
impl UploadStore for MemoryStore {
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let is_forgotten = state.erasures.contains_key(&upload.owner);
        let uploads = &mut state.uploads;
        let has_room = uploads.unsent_of(&upload.owner) < upload.unsent_max as usize;
        let has_begun = has_room && !is_forgotten;
        if has_begun {
            uploads.0.push(Upload { request: upload.clone(), picture: None });
        }
        Ok(has_begun)
    }

    async fn finish_upload(
        &self,
        id: &AttachmentId,
        picture: &Picture,
    ) -> Result<bool, StoreError> {
        let uploads = &mut self.state()?.uploads;
        let upload = uploads.0.iter_mut().find(|upload| upload.request.id == *id);
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
        let posts = state.live_of(viewer).flat_map(StoredConversation::posts);
        let mut sent = posts.flat_map(|post| &post.attachments).filter(|one| one.id == *id);
        let sent =
            sent.find(|one| matches!(one.file.location(), StorageLocation::Stored(_))).cloned();
        Ok(sent.or_else(|| state.uploads.finished(id, viewer)))
    }

    async fn downloadable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError> {
        let state = self.state()?;
        let is_forgotten = |person: &UserId| state.erasures.contains_key(person);
        let upload = state.uploads.find(id);
        let unsent = upload.filter(|upload| !is_forgotten(&upload.request.owner));
        let posts = state.live().flat_map(StoredConversation::posts);
        let posts = posts.filter(|post| !is_forgotten(&post.author));
        let sent = posts.flat_map(|post| &post.attachments).find(|one| one.id == *id).cloned();
        let file = sent.or_else(|| unsent.and_then(Upload::attachment)).map(|one| one.file);
        Ok(file.and_then(|file| match file.location() {
            StorageLocation::Stored(picture) => {
                Some(Downloadable { name: file.name().to_owned(), picture: picture.clone() })
            }
            StorageLocation::Hosted(_) => None,
        }))
    }

    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError> {
        let matches = |one: &Attachment| match one.file.location() {
            StorageLocation::Hosted(hosted) => hosted.upload_key() == Some(upload_key),
            StorageLocation::Stored(_) => false,
        };
        Ok(self.state()?.sent(matches).is_some())
    }
}
