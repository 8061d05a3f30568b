//! `files/`: the pictures that we keep. Those with the upload service are links in the other two.

use std::collections::HashSet;

use domain::{
    conversation::attachment::{Attachment, Place},
    ids::AttachmentId,
    jobs::JobFailure,
    ports::Files,
};

use crate::{contents::Contents, walk::Messages, zip::Zip};

/// Where a kept picture is in the archive. Its own name is anybody's words, so it is told elsewhere.
pub(crate) fn path_of(attachment: &Attachment) -> String {
    let kind = attachment.file.media_type().as_str();
    let kind = kind.rsplit('/').next().unwrap_or("bin");
    format!("files/{}.{kind}", attachment.id)
}

/// Copies them, and returns those that are not where they should be.
pub(crate) async fn write(
    contents: &Contents<'_>,
    files: &dyn Files,
    zip: &mut Zip,
) -> Result<HashSet<AttachmentId>, JobFailure> {
    let mut missing = HashSet::new();
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        let mut messages = Messages::of(contents.store, contents.export, &here);
        while let Some(some) = messages.next().await? {
            for attachment in some.iter().flat_map(|message| &message.attachments) {
                if !copy(files, attachment, zip).await? {
                    missing.insert(attachment.id.clone());
                }
            }
        }
    }
    Ok(missing)
}

/// `false`: it should be there and is not.
async fn copy(
    files: &dyn Files,
    attachment: &Attachment,
    zip: &mut Zip,
) -> Result<bool, JobFailure> {
    let Place::Kept(kept) = attachment.file.place() else { return Ok(true) };
    let Some(mut bytes) = files.read(&kept.keys.full).await? else { return Ok(false) };
    zip.begin(&path_of(attachment), Some(bytes.size_bytes)).await?;
    let broken = |_| JobFailure::retry("files_failed");
    while let Some(piece) = bytes.chunks.next().await.map_err(broken)? {
        zip.write(&piece).await?;
    }
    Ok(true)
}
