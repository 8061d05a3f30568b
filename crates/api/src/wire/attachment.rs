use domain::conversation::attachment::{self, PictureForm, StorageLocation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::links::Links;

/// A file that belongs to a message, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Which.
    pub id: String,
    /// What it is called.
    pub file_name: String,
    /// Where it is. Of a picture that we keep it is a link that ends after some hours: ask for the
    /// file again to get another.
    pub file_url: String,
    /// What it is.
    #[schema(example = "image/webp")]
    pub file_type: String,
    /// How large it is, in bytes.
    #[schema(minimum = 1, maximum = 10_485_760)]
    pub file_size: u32,
    /// Where a small one of it is. Only of pictures that we keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub thumbnail_url: Option<String>,
    /// How wide it is, in pixels. Only of pictures that we keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, nullable = false)]
    pub width: Option<u32>,
    /// How high it is, in pixels. Only of pictures that we keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, nullable = false)]
    pub height: Option<u32>,
}

impl Attachment {
    /// `attachment`, with links to it if we keep it.
    pub(crate) fn new(attachment: &attachment::Attachment, links: &Links) -> Self {
        let attachment::Attachment { id, file } = attachment;
        let (file_url, picture) = match file.location() {
            StorageLocation::Hosted(hosted) => (hosted.url().as_str().to_owned(), None),
            StorageLocation::Stored(kept) => (links.to(id, PictureForm::Full), Some(&kept.picture)),
        };
        Self {
            id: id.to_string(),
            file_name: file.name().to_owned(),
            file_url,
            file_type: file.media_type().as_str().to_owned(),
            file_size: file.size_bytes(),
            thumbnail_url: picture.map(|_| links.to(id, PictureForm::Thumbnail)),
            width: picture.map(|picture| picture.width_px),
            height: picture.map(|picture| picture.height_px),
        }
    }
}
