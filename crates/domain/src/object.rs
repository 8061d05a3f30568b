//! Bytes that we keep for people: what they are called, and what is known of them.

use std::{fmt, sync::Arc};

use crate::attachment::MediaType;

/// The longest name of an object, in bytes.
pub const OBJECT_KEY_MAX_BYTES: usize = 128;

/// The text is no name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object's name has 1 to 128 characters of a-z 0-9 - and single slashes between them")]
pub struct InvalidObjectKey;

/// What an object is called in the place where it is kept: random, and never made of anything that
/// a person said, so it can neither be guessed nor lead elsewhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// Takes `text` as a name.
    ///
    /// # Errors
    /// [`InvalidObjectKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidObjectKey> {
        let part = |part: &str| {
            let allowed =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !part.is_empty() && part.bytes().all(allowed)
        };
        if text.len() <= OBJECT_KEY_MAX_BYTES && text.split('/').all(part) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidObjectKey)
        }
    }

    /// The place of an archive of which nothing is known yet but that nobody else has `id`.
    pub fn of_archive(id: uuid::Uuid) -> Self {
        Self(format!("{id}/archive").into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", self.0)
    }
}

/// The two forms in which a picture is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureForm {
    /// The picture.
    Full,
    /// A small one of it.
    Thumbnail,
}

impl PictureForm {
    /// The word in links.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Full, Self::Thumbnail].into_iter().find(|form| form.as_str() == word)
    }
}

/// Where the two forms of a picture are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureKeys {
    /// The picture.
    pub full: ObjectKey,
    /// A small one of it.
    pub thumbnail: ObjectKey,
}

impl PictureKeys {
    /// The places of a picture of which nothing is known yet but that nobody else has `id`.
    pub fn new(id: uuid::Uuid) -> Self {
        let key = |form: PictureForm| ObjectKey(format!("{id}/{}", form.as_str()).into());
        Self { full: key(PictureForm::Full), thumbnail: key(PictureForm::Thumbnail) }
    }

    /// Where one of the forms is kept.
    pub fn of(&self, form: PictureForm) -> &ObjectKey {
        match form {
            PictureForm::Full => &self.full,
            PictureForm::Thumbnail => &self.thumbnail,
        }
    }
}

/// A picture that was checked, cleaned and kept. All of it was read from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What it is.
    pub media_type: MediaType,
    /// How large it is as it is kept, in bytes: 1 to [`FILE_MAX_BYTES`](crate::attachment::FILE_MAX_BYTES).
    pub size_bytes: u32,
    /// How wide it is when looked at, in pixels.
    pub width_px: u32,
    /// How high it is when looked at, in pixels.
    pub height_px: u32,
    /// What the small one is.
    pub thumbnail_type: MediaType,
}

impl Picture {
    /// What one of its forms is.
    pub fn type_of(&self, form: PictureForm) -> MediaType {
        match form {
            PictureForm::Full => self.media_type,
            PictureForm::Thumbnail => self.thumbnail_type,
        }
    }
}

/// A picture, and where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPicture {
    /// Where.
    pub keys: PictureKeys,
    /// What.
    pub picture: Picture,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_picture_have_names_of_their_own() {
        let keys = PictureKeys::new(uuid::Uuid::nil());
        for form in [PictureForm::Full, PictureForm::Thumbnail] {
            assert_eq!(PictureForm::parse(form.as_str()), Some(form));
            let key = keys.of(form);
            assert_eq!(ObjectKey::parse(key.as_str()).as_ref(), Ok(key));
        }
        assert_ne!(keys.full, keys.thumbnail);
        assert_eq!(PictureForm::parse("FULL"), None);
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["a", "ab/cd-1", &"x".repeat(OBJECT_KEY_MAX_BYTES)] {
            assert_eq!(ObjectKey::parse(good).expect("good").as_str(), good);
        }
        let long = "x".repeat(OBJECT_KEY_MAX_BYTES + 1);
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b", "A", "a.b", "a\\b", "é", "a\0", &long]
        {
            assert_eq!(ObjectKey::parse(bad), Err(InvalidObjectKey), "{bad:?}");
        }
    }
}
