use super::FileError;

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

#[cfg(test)]
mod tests {
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
