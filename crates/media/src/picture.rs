//! A file into a picture that can be kept: cleaned, upright, and with a small one of it.

use domain::conversation::attachment::Picture;
use image::{DynamicImage, metadata::Orientation};

use crate::{
    clean::{self, Sanitized},
    decode, encode,
    fault::Fault,
    kind::Kind,
    settings::Bounds,
};

/// Bytes and what they are.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

/// Both forms of a picture, ready to be kept.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) picture: Picture,
    pub(crate) full: Encoded,
    pub(crate) thumbnail: Encoded,
}

/// Checks, cleans and turns. It takes the processor for as long as decoding does.
pub(crate) fn prepare(
    bytes: Vec<u8>,
    declared: Option<Kind>,
    bounds: &Bounds,
) -> Result<Prepared, Fault> {
    let kind = Kind::of(&bytes)?;
    if declared.is_some_and(|declared| declared != kind) {
        return Err(Fault::TypeNotAllowed);
    }
    let cleaned = clean::clean(kind, &bytes, bounds)?;
    drop(bytes);
    let mut image = decode::decode(kind, &cleaned, bounds)?;
    image.apply_orientation(cleaned.orientation);
    let thumbnail = thumbnail_of(&image, &cleaned, bounds)?;
    let (width_px, height_px) = (image.width(), image.height());
    let full = upright(kind, cleaned, image, bounds)?;
    let size_bytes =
        u32::try_from(full.bytes.len()).ok().filter(|len| *len <= bounds.file_bytes_max);
    let thumbnail = smaller(thumbnail, &full, width_px.max(height_px), bounds);
    let picture = Picture {
        media_type: full.kind.media_type(),
        size_bytes: size_bytes.ok_or(Fault::TooLarge)?,
        width_px,
        height_px,
        thumbnail_type: thumbnail.kind.media_type(),
    };
    Ok(Prepared { picture, full, thumbnail })
}

/// The picture's own bytes when it stands upright; else those of the turned one.
fn upright(
    kind: Kind,
    cleaned: Sanitized,
    image: DynamicImage,
    bounds: &Bounds,
) -> Result<Encoded, Fault> {
    if cleaned.orientation == Orientation::NoTransforms {
        return Ok(Encoded { kind, bytes: cleaned.bytes });
    }
    // There is no encoder for WebP that loses as little as a photo may lose.
    let to_jpeg = kind == Kind::Jpeg || (kind == Kind::WebP && !image.color().has_alpha());
    if to_jpeg {
        encode::photo(&image, cleaned.profile.as_ref(), bounds.file_bytes_max)
    } else {
        encode::png(image, cleaned.profile.as_ref())
    }
}

fn thumbnail_of(
    image: &DynamicImage,
    cleaned: &Sanitized,
    bounds: &Bounds,
) -> Result<Encoded, Fault> {
    let side_px = bounds.thumbnail_side_px;
    let profile = cleaned.profile.as_ref();
    if image.width().max(image.height()) <= side_px {
        encode::small(image, profile)
    } else {
        encode::small(&image.thumbnail(side_px, side_px), profile)
    }
}

/// A picture that is small already is its own small one when that has fewer bytes.
fn smaller(thumbnail: Encoded, full: &Encoded, longest_px: u32, bounds: &Bounds) -> Encoded {
    if longest_px <= bounds.thumbnail_side_px && full.bytes.len() <= thumbnail.bytes.len() {
        Encoded { kind: full.kind, bytes: full.bytes.clone() }
    } else {
        thumbnail
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::{animated_gif, animated_webp, png_with_words, small_jpeg};

    #[test]
    fn a_file_with_any_byte_broken_never_breaks_us() {
        for file in [small_jpeg(), png_with_words(), animated_gif(), animated_webp()] {
            let mut outcomes = [0, 0];
            for place in 0..file.len().min(1_000) {
                for broken in [0xff, 0x01, 0x80] {
                    let mut bytes = file.clone();
                    bytes[place] ^= broken;
                    outcomes[usize::from(prepare(bytes, None, &Bounds::default()).is_ok())] += 1;
                }
            }
            assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_what_was_declared_is_refused() {
        let declared = |kind| prepare(small_jpeg(), Some(kind), &Bounds::default());
        assert!(declared(Kind::Jpeg).is_ok());
        assert!(matches!(declared(Kind::Png), Err(Fault::TypeNotAllowed)));
    }
}
