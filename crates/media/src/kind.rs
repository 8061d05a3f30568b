use domain::conversation::attachment::MediaType;

use crate::fault::Fault;

/// A kind of picture that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl Kind {
    /// What the bytes say they are.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Fault> {
        match bytes {
            [] => Err(Fault::Unreadable),
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            _ => Err(Fault::TypeNotAllowed),
        }
    }

    /// What the sender says it is; `None` when their program only knows that it is a file, or a
    /// picture.
    pub(crate) fn declared(media_type: &str) -> Result<Option<Self>, Fault> {
        match media_type.to_ascii_lowercase().as_str() {
            "image/jpeg" | "image/jpg" | "image/jpe" | "image/jfif" | "image/pjpeg" => {
                Ok(Some(Self::Jpeg))
            }
            "image/png" | "image/x-png" | "image/apng" => Ok(Some(Self::Png)),
            "image/gif" => Ok(Some(Self::Gif)),
            "image/webp" | "image/x-webp" => Ok(Some(Self::WebP)),
            ""
            | "*/*"
            | "image/*"
            | "application/octet-stream"
            | "binary/octet-stream"
            | "application/binary"
            | "application/unknown" => Ok(None),
            _ => Err(Fault::TypeNotAllowed),
        }
    }

    pub(crate) fn media_type(self) -> MediaType {
        let name = match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        };
        MediaType::parse(name).expect("each kind taken here is one the rules take")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_and_what_is_named_are_the_same_kind() {
        for kind in [Kind::Jpeg, Kind::Png, Kind::Gif, Kind::WebP] {
            assert_eq!(Kind::declared(kind.media_type().as_str()), Ok(Some(kind)));
        }
        for name in ["image/jpg", "image/pjpeg", "image/jfif", "Image/JPEG"] {
            assert_eq!(Kind::declared(name), Ok(Some(Kind::Jpeg)), "{name}");
        }
        assert_eq!(Kind::declared("image/x-png"), Ok(Some(Kind::Png)));
    }

    #[test]
    fn a_declared_type_that_says_nothing_contradicts_nothing() {
        for name in ["application/octet-stream", "binary/octet-stream", "image/*", "*/*", ""] {
            assert_eq!(Kind::declared(name), Ok(None), "{name}");
        }
        for name in ["image/svg+xml", "image/heic", "text/plain", "text/html", "application/pdf"] {
            assert_eq!(Kind::declared(name), Err(Fault::TypeNotAllowed), "{name}");
        }
    }

    #[test]
    fn the_bytes_say_what_they_are() {
        assert_eq!(Kind::of(b"GIF89a"), Ok(Kind::Gif));
        assert_eq!(Kind::of(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Kind::WebP));
        assert_eq!(Kind::of(b"RIFF\0\0\0\0WAVEfmt "), Err(Fault::TypeNotAllowed));
        assert_eq!(Kind::of(b"<svg/>"), Err(Fault::TypeNotAllowed));
        assert_eq!(Kind::of(b""), Err(Fault::Unreadable));
    }
}
