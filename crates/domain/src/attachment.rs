//! Files that come with a message: what is known of them, and which are taken.

mod file;
mod media_type;
mod url;

pub use file::{File, Hosted, Place};
pub use media_type::MediaType;
pub use url::FileUrl;

use crate::{
    id::AttachmentId,
    text::{is_blank, tidied_line},
};

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

/// The name of a file as somebody gave it, tidied by [`tidied_line`].
///
/// # Errors
/// [`FileError::NameMissing`], also when nothing of it can be seen; [`FileError::NameInvalid`].
pub fn tidied_name(name: &str) -> Result<String, FileError> {
    let name = tidied_line(name);
    if is_blank(&name) {
        return Err(FileError::NameMissing);
    }
    check_name(&name).map(|()| name)
}

/// Checks the name of a file; see [`tidied_name`] for one that somebody gave.
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
        !key.is_empty()
            && key.chars().count() <= UPLOAD_KEY_MAX_CHARS
            && !key.chars().any(char::is_control)
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
