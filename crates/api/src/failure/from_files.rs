//! What becomes of an upload, and of fetching a file.

use domain::{
    attachment::FileError,
    ports::KeepError,
    usecase::{OpenFileError, UploadError},
};

use super::Failure;
use crate::{
    code::Code,
    texts::{self, files},
};

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Name(FileError::NameMissing) => {
                Self::validation(vec![texts::FILE_NAME_REQUIRED])
            }
            UploadError::Name(_) => Self::validation(vec![texts::file_name_invalid()]),
            UploadError::TooManyUnsent => Self::new(Code::TooManyUploads, files::TOO_MANY_UPLOADS),
            UploadError::Kept(error) => error.into(),
            // Whoever takes a day for an upload has to begin again.
            UploadError::Purged => Self::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT),
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Interrupted(_) => Self::new(Code::MalformedRequest, files::MALFORMED_FORM),
            KeepError::TooLarge => Self::new(Code::FileTooLarge, texts::FILE_TOO_LARGE),
            KeepError::TypeNotAllowed => {
                Self::new(Code::FileTypeNotAllowed, texts::FILE_TYPE_IMAGES)
            }
            KeepError::Unreadable => Self::new(Code::FileUnreadable, files::FILE_UNREADABLE),
            KeepError::TooManyPixels => Self::new(Code::TooManyPixels, files::TOO_MANY_PIXELS),
            KeepError::Busy | KeepError::Failed(_) => Self::unavailable(error),
        }
    }
}

impl From<OpenFileError> for Failure {
    fn from(error: OpenFileError) -> Self {
        match error {
            OpenFileError::Store(error) => error.into(),
            OpenFileError::Files(error) => Self::unavailable(error),
        }
    }
}
