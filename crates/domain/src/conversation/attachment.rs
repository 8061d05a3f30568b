//! Files attached to messages: their metadata, and which files are accepted.

use std::{fmt, sync::Arc};

use crate::{
    ids::AttachmentId,
    text::{is_blank, tidied_line},
};

/// The most files per message.
pub const ATTACHMENTS_MAX: usize = 5;
/// The largest file, in bytes.
pub const FILE_MAX_BYTES: u32 = 10_485_760;
/// The longest file name, in characters.
pub const FILE_NAME_MAX_CHARS: usize = 255;
/// The longest URL of a file, in bytes.
pub const FILE_URL_MAX_BYTES: usize = 2_048;
/// The longest upload key, in characters.
pub const UPLOAD_KEY_MAX_CHARS: usize = 255;

/// Why a file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The name is empty.
    #[error("the file has no name")]
    NameMissing,
    /// The name is too long, or holds a control character or a path separator.
    #[error("the name of the file is not usable")]
    NameInvalid,
    /// Not `https`, not on a host of the upload service, or no URL at all.
    #[error("the address of the file is not one of an upload")]
    UrlInvalid,
    /// Not an accepted image type.
    #[error("only images are taken")]
    TypeNotAllowed,
    /// Larger than [`FILE_MAX_BYTES`].
    #[error("the file is too large")]
    TooLarge,
    /// Zero, negative or not a whole number.
    #[error("the size of the file is not a size")]
    SizeInvalid,
    /// The key of the upload is empty, too long, or holds a control character.
    #[error("the key of the upload is not usable")]
    KeyInvalid,
}

/// Tidies a file name from a user with [`tidied_line`].
///
/// # Errors
/// [`FileError::NameMissing`], also when no visible character is left; [`FileError::NameInvalid`].
pub fn tidied_name(name: &str) -> Result<String, FileError> {
    let name = tidied_line(name);
    if is_blank(&name) {
        return Err(FileError::NameMissing);
    }
    check_name(&name).map(|()| name)
}

/// Checks a file name; see [`tidied_name`] for one from a user.
///
/// # Errors
/// [`FileError::NameMissing`], [`FileError::NameInvalid`].
pub fn check_name(name: &str) -> Result<(), FileError> {
    if name.is_empty() {
        return Err(FileError::NameMissing);
    }
    let forbidden = |c: char| c.is_control() || c == '/' || c == '\\';
    if name.chars().count() > FILE_NAME_MAX_CHARS || name.chars().any(forbidden) {
        return Err(FileError::NameInvalid);
    }
    Ok(())
}

/// Checks the size of a file, in bytes.
///
/// # Errors
/// [`FileError::TooLarge`], [`FileError::SizeInvalid`].
pub fn check_size(size_bytes: i64) -> Result<u32, FileError> {
    if size_bytes > i64::from(FILE_MAX_BYTES) {
        return Err(FileError::TooLarge);
    }
    u32::try_from(size_bytes).ok().filter(|size| *size > 0).ok_or(FileError::SizeInvalid)
}

/// Checks the upload service's key of a file, if it has one.
///
/// # Errors
/// [`FileError::KeyInvalid`].
pub fn check_upload_key(key: Option<&str>) -> Result<(), FileError> {
    let usable = |key: &str| {
        !key.is_empty()
            && key.chars().count() <= UPLOAD_KEY_MAX_CHARS
            && !key.chars().any(char::is_control)
    };
    if key.is_none_or(usable) { Ok(()) } else { Err(FileError::KeyInvalid) }
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Its metadata.
    pub file: File,
}

/// A file and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    name: String,
    location: StorageLocation,
}

/// Where a file is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageLocation {
    /// At the upload service, put there by the browser.
    Hosted(Hosted),
    /// In our own file storage.
    Stored(StoredPicture),
}

/// A file at the upload service, as described by its sender. Made by [`File::hosted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosted {
    url: FileUrl,
    media_type: MediaType,
    size_bytes: u32,
    upload_key: Option<String>,
}

impl Hosted {
    /// Its URL.
    pub fn url(&self) -> &FileUrl {
        &self.url
    }

    /// The upload service's key of the file. Never shown.
    pub fn upload_key(&self) -> Option<&str> {
        self.upload_key.as_deref()
    }
}

impl File {
    /// Describes a file at the upload service.
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
        let location = StorageLocation::Hosted(Hosted { url, media_type, size_bytes, upload_key });
        Ok(Self { name: name.to_owned(), location })
    }

    /// Describes a picture in our own file storage.
    ///
    /// # Errors
    /// The first [`FileError`] found.
    pub fn stored(name: &str, picture: StoredPicture) -> Result<Self, FileError> {
        check_name(name)?;
        check_size(i64::from(picture.picture.size_bytes))?;
        Ok(Self { name: name.to_owned(), location: StorageLocation::Stored(picture) })
    }

    /// Whether `stored` is this file; the stored name may be from before names were tidied.
    pub(crate) fn is_stored_as(&self, stored: &Self) -> bool {
        self.location == stored.location
            && (self.name == stored.name || self.name == tidied_line(&stored.name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its location.
    pub fn location(&self) -> &StorageLocation {
        &self.location
    }

    /// Its media type.
    pub fn media_type(&self) -> MediaType {
        match &self.location {
            StorageLocation::Hosted(hosted) => hosted.media_type,
            StorageLocation::Stored(stored) => stored.picture.media_type,
        }
    }

    /// Its size in bytes: 1 to [`FILE_MAX_BYTES`].
    pub fn size_bytes(&self) -> u32 {
        match &self.location {
            StorageLocation::Hosted(hosted) => hosted.size_bytes,
            StorageLocation::Stored(stored) => stored.picture.size_bytes,
        }
    }
}

/// The accepted image types, as browsers name them.
const MEDIA_TYPES: [&str; 5] = ["image/jpeg", "image/jpg", "image/png", "image/gif", "image/webp"];

/// An image type. Case-sensitive: `Image/PNG` is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaType(&'static str);

impl MediaType {
    /// Parses a media type.
    ///
    /// # Errors
    /// [`FileError::TypeNotAllowed`] for all but JPEG, PNG, GIF and WebP.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let known = MEDIA_TYPES.iter().find(|known| **known == text);
        known.map(|known| Self(known)).ok_or(FileError::TypeNotAllowed)
    }

    /// The media type as text.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// The URL of an uploaded file: `https`, on a host of the upload service (`utfs.io`, `*.ufs.sh`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUrl(String);

impl FileUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`FileError::UrlInvalid`] for another scheme or host, a port, user info, or characters that
    /// a URL cannot contain (RFC 3986, section 2).
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let address = text.len() <= FILE_URL_MAX_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        let rest =
            text.strip_prefix("https://").filter(|_| address).ok_or(FileError::UrlInvalid)?;
        let (host, path) = rest.split_once('/').ok_or(FileError::UrlInvalid)?;
        if path.is_empty() || !serves_uploads(&host.to_ascii_lowercase()) {
            return Err(FileError::UrlInvalid);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn serves_uploads(host: &str) -> bool {
    let label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host == "utfs.io" || host.strip_suffix(".ufs.sh").is_some_and(|app| app.split('.').all(label))
}

// Objects in our own file storage.

/// The longest object key, in bytes.
pub const OBJECT_KEY_MAX_BYTES: usize = 128;

/// The text is no object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object's name has 1 to 128 characters of a-z 0-9 - and single slashes between them")]
pub struct InvalidObjectKey;

/// The key of an object in the file storage: random, and never derived from user input, so it can
/// neither be guessed nor lead outside.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// Parses an object key.
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

    /// A new key of an export archive; `id` is unique.
    pub fn of_archive(id: uuid::Uuid) -> Self {
        Self(format!("{id}/archive").into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", self.0)
    }
}

/// The two stored forms of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureForm {
    /// The picture.
    Full,
    /// Its thumbnail.
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

    /// Parses the word of [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Full, Self::Thumbnail].into_iter().find(|form| form.as_str() == word)
    }
}

/// The object keys of the two forms of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureKeys {
    /// The picture.
    pub full: ObjectKey,
    /// The thumbnail.
    pub thumbnail: ObjectKey,
}

impl PictureKeys {
    /// New keys of a picture; `id` is unique.
    pub fn new(id: uuid::Uuid) -> Self {
        let key = |form: PictureForm| ObjectKey(format!("{id}/{}", form.as_str()).into());
        Self { full: key(PictureForm::Full), thumbnail: key(PictureForm::Thumbnail) }
    }

    /// The key of one form.
    pub fn of(&self, form: PictureForm) -> &ObjectKey {
        match form {
            PictureForm::Full => &self.full,
            PictureForm::Thumbnail => &self.thumbnail,
        }
    }
}

/// A picture that was checked, cleaned and stored. All values were read from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub media_type: MediaType,
    /// Its stored size in bytes: 1 to [`FILE_MAX_BYTES`].
    pub size_bytes: u32,
    /// Its displayed width, in pixels.
    pub width_px: u32,
    /// Its displayed height, in pixels.
    pub height_px: u32,
    /// The media type of the thumbnail.
    pub thumbnail_type: MediaType,
}

impl Picture {
    /// The media type of one form.
    pub fn type_of(&self, form: PictureForm) -> MediaType {
        match form {
            PictureForm::Full => self.media_type,
            PictureForm::Thumbnail => self.thumbnail_type,
        }
    }
}

/// A stored picture and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPicture {
    /// Its keys.
    pub keys: PictureKeys,
    /// Its metadata.
    pub picture: Picture,
}

#[cfg(test)]
mod attachment_tests {
    use super::*;

    #[test]
    fn sizes_names_and_keys_have_bounds() {
        let max = i64::from(FILE_MAX_BYTES);
        assert_eq!(check_size(max), Ok(FILE_MAX_BYTES));
        assert_eq!(check_size(max + 1), Err(FileError::TooLarge));
        assert_eq!(
            (check_size(0), check_size(-1)),
            (Err(FileError::SizeInvalid), Err(FileError::SizeInvalid))
        );
        assert_eq!(check_name(""), Err(FileError::NameMissing));
        for bad in ["../a.png", "a\\b.png", "a\n.png", &"x".repeat(FILE_NAME_MAX_CHARS + 1)] {
            assert_eq!(check_name(bad), Err(FileError::NameInvalid), "{bad:?}");
        }
        assert_eq!(check_name("Léa – bras.webp"), Ok(()));
        assert_eq!(
            tidied_name("Le\u{301}a\u{b}\u{202e}bras\0.webp"),
            Ok("Léa bras.webp".to_owned())
        );
        assert_eq!(tidied_name("a/b.png"), Err(FileError::NameInvalid));
        assert_eq!(tidied_name("\u{200b} \n"), Err(FileError::NameMissing));
        let long = "e\u{301}".repeat(FILE_NAME_MAX_CHARS);
        assert_eq!(tidied_name(&long), Ok("é".repeat(FILE_NAME_MAX_CHARS)));
        assert_eq!(check_upload_key(Some("")), Err(FileError::KeyInvalid));
        assert_eq!(check_upload_key(Some("k_1")), Ok(()));
    }
}

#[cfg(test)]
mod media_type_tests {
    use super::*;

    #[test]
    fn only_images_are_taken_and_the_case_counts() {
        for good in MEDIA_TYPES {
            assert_eq!(MediaType::parse(good).map(MediaType::as_str), Ok(good));
        }
        for bad in ["", "image/svg+xml", "IMAGE/PNG", "text/html", "image/png;x"] {
            assert_eq!(MediaType::parse(bad), Err(FileError::TypeNotAllowed), "{bad}");
        }
    }
}

#[cfg(test)]
mod url_tests {
    use super::*;

    #[test]
    fn only_urls_of_the_upload_service_are_accepted() {
        for good in [
            "https://utfs.io/f/abc.webp",
            "https://x1y2.ufs.sh/f/abc",
            "https://X1Y2.UFS.SH/f/abc?x=%20#y",
        ] {
            assert_eq!(FileUrl::parse(good).expect("good").as_str(), good);
        }
        for bad in [
            "",
            "utfs.io/f/a",
            "http://utfs.io/f/a",
            "HTTPS://utfs.io/f/a",
            "https://utfs.io",
            "https://utfs.io/",
            "https://utfs.io:8443/f/a",
            "https://utfs.io@evil.example/f/a",
            "https://evil.example/utfs.io/f/a",
            "https://utfs.io.evil.example/f/a",
            "https://ufs.sh/f/a",
            "https://.ufs.sh/f/a",
            "https://a..ufs.sh/f/a",
            "https://a@b.ufs.sh/f/a",
            "https://evil.example#.ufs.sh/f/a",
            "https://evil.example\\.ufs.sh/f/a",
            "https://utfs.io/f/a b",
            "https://utfs.io/f/é",
            "https://utfs.io/f/<script>",
            "javascript://utfs.io/f/a",
            "//utfs.io/f/a",
        ] {
            assert_eq!(FileUrl::parse(bad), Err(FileError::UrlInvalid), "{bad}");
        }
        let long = format!("https://utfs.io/{}", "a".repeat(FILE_URL_MAX_BYTES));
        assert_eq!(FileUrl::parse(&long), Err(FileError::UrlInvalid));
    }
}

#[cfg(test)]
mod object_tests {
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
    fn an_object_key_cannot_leave_the_storage() {
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
