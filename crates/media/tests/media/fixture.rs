//! Helpers that store files and read them back.

use domain::{
    conversation::attachment::{ObjectKey, Picture, PictureKeys},
    ids::UserId,
    ports::{Files, KeepError},
    testing::fixture::{Pieces, user},
};
use media::{Media, Settings, Storage};

use crate::temp_dir::TempDir;

pub(crate) fn in_folder(dir: &TempDir) -> Settings {
    Settings { storage: Storage::Folder(dir.path().to_owned()), ..Settings::default() }
}

pub(crate) fn media(settings: &Settings) -> Media {
    Media::new(settings).expect("good settings")
}

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("a good key")
}

pub(crate) fn owner() -> UserId {
    user("c1")
}

pub(crate) fn keys() -> PictureKeys {
    PictureKeys { full: key("ab/full"), thumbnail: key("ab/thumbnail") }
}

pub(crate) async fn keep(media: &Media, bytes: &[u8]) -> Result<Picture, KeepError> {
    media.keep(&owner(), &keys(), None, &mut Pieces::of(bytes)).await
}

/// Hands a file in, and gets it back as others see it: what is known of it, the picture, and the
/// small one.
pub(crate) async fn kept(media: &Media, bytes: &[u8]) -> (Picture, Vec<u8>, Vec<u8>) {
    let picture = keep(media, bytes).await.expect("a good picture");
    let full = read(media, "ab/full").await.expect("it was kept");
    let thumbnail = read(media, "ab/thumbnail").await.expect("it was kept");
    (picture, full, thumbnail)
}

pub(crate) async fn read(media: &Media, text: &str) -> Option<Vec<u8>> {
    let mut found = media.read(&key(text)).await.expect("the place works")?;
    let mut bytes = Vec::new();
    while let Some(piece) = found.chunks.next().await.expect("the place works") {
        assert!(!piece.is_empty(), "a piece is never empty");
        bytes.extend(piece);
    }
    assert_eq!(found.size_bytes, bytes.len() as u64);
    Some(bytes)
}
