//! Somebody who hands files in and asks for them again.

use std::collections::VecDeque;

use async_trait::async_trait;
use domain::{
    object::{ObjectKey, Picture, PictureKeys},
    ports::{Chunks, Files, Interrupted, KeepError},
};
use media::{Media, Settings, Storage};

use crate::scratch::Scratch;

/// A file as it comes over the network.
pub(crate) struct Pieces(VecDeque<Result<Vec<u8>, Interrupted>>);

impl Pieces {
    /// All of it, a thousand bytes at a time.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(bytes.chunks(1_000).map(|piece| Ok(piece.to_vec())).collect())
    }

    /// All of it, and then the connection breaks.
    pub(crate) fn interrupted_after(bytes: &[u8]) -> Self {
        let mut pieces = Self::of(bytes);
        pieces.0.push_back(Err(Interrupted));
        pieces
    }
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.pop_front().transpose()
    }
}

pub(crate) fn in_folder(scratch: &Scratch) -> Settings {
    Settings { storage: Storage::Folder(scratch.path().to_owned()), ..Settings::default() }
}

pub(crate) fn media(settings: &Settings) -> Media {
    Media::new(settings).expect("good settings")
}

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("a good key")
}

pub(crate) fn keys() -> PictureKeys {
    PictureKeys { full: key("ab/full"), thumbnail: key("ab/thumbnail") }
}

pub(crate) async fn keep(media: &Media, bytes: &[u8]) -> Result<Picture, KeepError> {
    media.keep(&keys(), None, &mut Pieces::of(bytes)).await
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
