//! Files that come with a message: what is known of them, and which are taken.

use crate::{id::AttachmentId, text::has_control};

/// The most files one message carries.
pub const ATTACHMENTS_MAX: usize = 5;
/// The largest file, in bytes.
pub const FILE_MAX_BYTES: u32 = 10_485_760;
/// The longest file name, in characters.
pub const FILE_NAME_MAX_CHARS: usize = 255;
/// The longest address of a file, in bytes.
pub const FILE_URL_MAX_BYTES: usize = 2_048;
/// The longest key of an upload, in characters.
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
    /// Not `https`, not on a host that serves uploads, or not an address at all.
    #[error("the address of the file is not one of an upload")]
    UrlInvalid,
    /// Not one of the image types taken.
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

/// The types of image taken, as browsers name them.
const MEDIA_TYPES: [&str; 5] = ["image/jpeg", "image/jpg", "image/png", "image/gif", "image/webp"];

/// A type of image. Compared as it is written: `Image/PNG` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaType(&'static str);

impl MediaType {
    /// Reads a media type.
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

/// Where an uploaded file is: `https`, on a host of the upload service (`utfs.io`, `*.ufs.sh`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUrl(String);

impl FileUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`FileError::UrlInvalid`] for another scheme or host, a port, a user in the address, or
    /// characters that no address holds (RFC 3986, section 2).
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

    /// The address as it came.
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

/// A file as its sender describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    name: String,
    url: FileUrl,
    media_type: MediaType,
    size_bytes: u32,
    upload_key: Option<String>,
}

impl File {
    /// Describes a file.
    ///
    /// # Errors
    /// The first [`FileError`] found, in the order of the arguments.
    pub fn new(
        name: &str,
        url: FileUrl,
        media_type: MediaType,
        size_bytes: i64,
        upload_key: Option<String>,
    ) -> Result<Self, FileError> {
        check_name(name)?;
        let size_bytes = check_size(size_bytes)?;
        check_upload_key(upload_key.as_deref())?;
        Ok(Self { name: name.to_owned(), url, media_type, size_bytes, upload_key })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn url(&self) -> &FileUrl {
        &self.url
    }

    /// What it is.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// How large it is, in bytes: 1 to [`FILE_MAX_BYTES`].
    pub fn size_bytes(&self) -> u32 {
        self.size_bytes
    }

    /// What the upload service calls it. Never shown.
    pub fn upload_key(&self) -> Option<&str> {
        self.upload_key.as_deref()
    }
}

/// Checks the name of a file.
///
/// # Errors
/// [`FileError::NameMissing`], [`FileError::NameInvalid`].
pub fn check_name(name: &str) -> Result<(), FileError> {
    if name.is_empty() {
        return Err(FileError::NameMissing);
    }
    let hostile = |c: char| c.is_control() || c == '/' || c == '\\';
    if name.chars().count() > FILE_NAME_MAX_CHARS || name.chars().any(hostile) {
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

/// Checks the upload service's key of a file; having none is fine.
///
/// # Errors
/// [`FileError::KeyInvalid`].
pub fn check_upload_key(key: Option<&str>) -> Result<(), FileError> {
    let usable = |key: &str| {
        !key.is_empty() && key.chars().count() <= UPLOAD_KEY_MAX_CHARS && !has_control(key)
    };
    if key.is_none_or(usable) { Ok(()) } else { Err(FileError::KeyInvalid) }
}

/// A file that belongs to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// What is known of it.
    pub file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_taken_from_the_upload_service_alone() {
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

    #[test]
    fn only_images_are_taken_and_the_case_counts() {
        for good in MEDIA_TYPES {
            assert_eq!(MediaType::parse(good).map(MediaType::as_str), Ok(good));
        }
        for bad in ["", "image/svg+xml", "IMAGE/PNG", "text/html", "image/png;x"] {
            assert_eq!(MediaType::parse(bad), Err(FileError::TypeNotAllowed), "{bad}");
        }
    }

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
        assert_eq!(check_upload_key(Some("")), Err(FileError::KeyInvalid));
        assert_eq!(check_upload_key(Some("k_1")), Ok(()));
    }
}
