use domain::attachment::MediaType;

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

    /// What the sender says it is.
    pub(crate) fn declared(media_type: &str) -> Result<Self, Fault> {
        match media_type {
            "image/jpeg" | "image/jpg" => Ok(Self::Jpeg),
            "image/png" => Ok(Self::Png),
            "image/gif" => Ok(Self::Gif),
            "image/webp" => Ok(Self::WebP),
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
            assert_eq!(Kind::declared(kind.media_type().as_str()), Ok(kind));
        }
        assert_eq!(Kind::declared("image/jpg"), Ok(Kind::Jpeg));
        assert_eq!(Kind::declared("image/svg+xml"), Err(Fault::TypeNotAllowed));
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
