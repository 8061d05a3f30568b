use super::{FileError, FileUrl, MediaType, check_name, check_size, check_upload_key};
use crate::{object::KeptPicture, text::tidied_line};

/// A file, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    name: String,
    place: Place,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// With the upload service, where a browser put it.
    Hosted(Hosted),
    /// With us.
    Kept(KeptPicture),
}

/// A file with the upload service, as its sender describes it. Made by [`File::hosted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosted {
    url: FileUrl,
    media_type: MediaType,
    size_bytes: u32,
    upload_key: Option<String>,
}

impl Hosted {
    /// Where it is.
    pub fn url(&self) -> &FileUrl {
        &self.url
    }

    /// What the upload service calls it. Never shown.
    pub fn upload_key(&self) -> Option<&str> {
        self.upload_key.as_deref()
    }
}

impl File {
    /// Describes a file that is with the upload service.
    ///
    /// # Errors
    /// The first [`FileError`] found, in the order of the arguments.
    pub fn hosted(
        name: &str,
        url: FileUrl,
        media_type: MediaType,
        size_bytes: i64,
        upload_key: Option<String>,
    ) -> Result<Self, FileError> {
        check_name(name)?;
        let size_bytes = check_size(size_bytes)?;
        check_upload_key(upload_key.as_deref())?;
        let place = Place::Hosted(Hosted { url, media_type, size_bytes, upload_key });
        Ok(Self { name: name.to_owned(), place })
    }

    /// Describes a picture that we keep.
    ///
    /// # Errors
    /// The first [`FileError`] found.
    pub fn kept(name: &str, picture: KeptPicture) -> Result<Self, FileError> {
        check_name(name)?;
        check_size(i64::from(picture.picture.size_bytes))?;
        Ok(Self { name: name.to_owned(), place: Place::Kept(picture) })
    }

    /// Whether `stored` is this file, or was before its name would have been tidied.
    pub(crate) fn is_stored_as(&self, stored: &Self) -> bool {
        self.place == stored.place
            && (self.name == stored.name || self.name == tidied_line(&stored.name))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it is.
    pub fn media_type(&self) -> MediaType {
        match &self.place {
            Place::Hosted(hosted) => hosted.media_type,
            Place::Kept(kept) => kept.picture.media_type,
        }
    }

    /// How large it is, in bytes: 1 to [`FILE_MAX_BYTES`](super::FILE_MAX_BYTES).
    pub fn size_bytes(&self) -> u32 {
        match &self.place {
            Place::Hosted(hosted) => hosted.size_bytes,
            Place::Kept(kept) => kept.picture.size_bytes,
        }
    }
}
