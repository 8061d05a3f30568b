use domain::ports::KeepError;
use image::ImageError;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not a kind of picture that is taken, or not the declared one")]
    TypeNotAllowed,
    #[error("truncated, damaged, or empty")]
    Unreadable,
    #[error("too many pixels or frames")]
    TooManyPixels,
    #[error("too many bytes")]
    TooLarge,
}

impl From<Fault> for KeepError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TypeNotAllowed => Self::TypeNotAllowed,
            Fault::Unreadable => Self::Unreadable,
            Fault::TooManyPixels => Self::TooManyPixels,
            Fault::TooLarge => Self::TooLarge,
        }
    }
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            _ => Self::Unreadable,
        }
    }
}
