//! Prepares a file for storage: sanitized, upright, and with a thumbnail.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use domain::conversation::attachment::{MediaType, Picture};
use flate2::Crc;
use image::{
    AnimationDecoder, DynamicImage, ExtendedColorType, Frames, ImageDecoder, ImageEncoder, Limits,
    codecs::{
        gif::GifDecoder,
        jpeg::{JpegDecoder, JpegEncoder},
        png::{CompressionType, FilterType, PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
    metadata::Orientation,
};

use crate::{
    sanitize::{Fault, Profile, Sanitized, gif, jpeg, png, webp},
    settings::Bounds,
};

/// An encoded picture.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

/// A picture and its thumbnail, ready to be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) picture: Picture,
    pub(crate) full: Encoded,
    pub(crate) thumbnail: Encoded,
}

/// Validates, sanitizes and rotates a file. Blocks as long as decoding takes.
pub(crate) fn prepare(
    bytes: Vec<u8>,
    declared: Option<Kind>,
    bounds: &Bounds,
) -> Result<Prepared, Fault> {
    let kind = Kind::of(&bytes)?;
    if declared.is_some_and(|declared| declared != kind) {
        return Err(Fault::TypeNotAllowed);
    }
    let cleaned = sanitize(kind, &bytes, bounds)?;
    drop(bytes);
    let mut image = decode(kind, &cleaned, bounds)?;
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

/// Sanitizes a file without decoding it, and checks that its size is within the bounds.
fn sanitize(kind: Kind, bytes: &[u8], bounds: &Bounds) -> Result<Sanitized, Fault> {
    let cleaned = match kind {
        Kind::Jpeg => jpeg::clean(bytes, bounds)?,
        Kind::Png => png::clean(bytes)?,
        Kind::Gif => gif::clean(bytes)?,
        Kind::WebP => webp::clean(bytes)?,
    };
    cleaned.size.check(cleaned.frames, bounds)?;
    Ok(cleaned)
}

/// The sanitized bytes of an upright picture; otherwise it is rotated and encoded again.
fn upright(
    kind: Kind,
    cleaned: Sanitized,
    image: DynamicImage,
    bounds: &Bounds,
) -> Result<Encoded, Fault> {
    if cleaned.orientation == Orientation::NoTransforms {
        return Ok(Encoded { kind, bytes: cleaned.bytes });
    }
    // There is no lossy encoder for WebP.
    let to_jpeg = kind == Kind::Jpeg || (kind == Kind::WebP && !image.color().has_alpha());
    if to_jpeg {
        photo(&image, cleaned.profile.as_ref(), bounds.file_bytes_max)
    } else {
        encode_png(image, cleaned.profile.as_ref())
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
        small(image, profile)
    } else {
        small(&image.thumbnail(side_px, side_px), profile)
    }
}

/// The full picture if it is no larger than a thumbnail and has fewer bytes.
fn smaller(thumbnail: Encoded, full: &Encoded, longest_px: u32, bounds: &Bounds) -> Encoded {
    if longest_px <= bounds.thumbnail_side_px && full.bytes.len() <= thumbnail.bytes.len() {
        Encoded { kind: full.kind, bytes: full.bytes.clone() }
    } else {
        thumbnail
    }
}

/// The bytes of a decoded pixel. Pictures with more bits per channel may have fewer pixels.
const PIXEL_BYTES: u64 = 4;
/// Additional memory of a decoder.
const DECODER_BYTES: u64 = 16 * 1024 * 1024;

/// The pixels of a picture, or of the first frame of an animation, all of whose frames are decoded.
pub(crate) fn decode(
    kind: Kind,
    cleaned: &Sanitized,
    bounds: &Bounds,
) -> Result<DynamicImage, Fault> {
    // One after the other, so that only one picture is in memory.
    let expected = match &cleaned.with_filler {
        Some(bytes) => Some(checksum(&pixels(kind, bytes, cleaned.frames, bounds)?)),
        None => None,
    };
    let image = pixels(kind, &cleaned.bytes, cleaned.frames, bounds)?;
    let is_complete = expected.is_none_or(|expected| expected == checksum(&image));
    if is_complete { Ok(image) } else { Err(Fault::Unreadable) }
}

fn checksum(image: &DynamicImage) -> u32 {
    let mut crc = Crc::new();
    crc.update(image.as_bytes());
    crc.sum()
}

fn pixels(kind: Kind, bytes: &[u8], frames: u32, bounds: &Bounds) -> Result<DynamicImage, Fault> {
    let bytes = Cursor::new(bytes);
    match kind {
        Kind::Jpeg => still(JpegDecoder::new(bytes)?, bounds),
        Kind::Png => still(PngDecoder::with_limits(bytes, limits(bounds))?, bounds),
        Kind::Gif => {
            let mut decoder = GifDecoder::new(bytes)?;
            decoder.set_limits(limits(bounds))?;
            first_of(decoder.into_frames(), frames, bounds)
        }
        Kind::WebP => {
            let decoder = WebPDecoder::new(bytes)?;
            if decoder.has_animation() {
                first_of(decoder.into_frames(), frames, bounds)
            } else {
                still(decoder, bounds)
            }
        }
    }
}

fn still(mut decoder: impl ImageDecoder, bounds: &Bounds) -> Result<DynamicImage, Fault> {
    decoder.set_limits(limits(bounds))?;
    if decoder.total_bytes() > bounds.pixels_max * PIXEL_BYTES {
        return Err(Fault::TooManyPixels);
    }
    Ok(DynamicImage::from_decoder(decoder)?)
}

/// Decodes all frames and returns the first. Two frames are in memory at a time. Ends at the deadline: frames whose work was
/// within the bounds may still take long on a busy machine.
fn first_of(frames: Frames<'_>, count: u32, bounds: &Bounds) -> Result<DynamicImage, Fault> {
    let (began, deadline) = (Instant::now(), Duration::from_millis(bounds.frames_deadline_ms));
    let mut first = None;
    let mut seen = 0;
    for frame in frames {
        if seen > 0 && began.elapsed() >= deadline {
            return Err(Fault::TooManyPixels);
        }
        let frame = frame?;
        seen += 1;
        if first.is_none() {
            first = Some(frame.into_buffer());
        }
    }
    first.filter(|_| seen == count).map(DynamicImage::from).ok_or(Fault::Unreadable)
}

/// The limits of a decoder: an animation needs the canvas twice.
fn limits(bounds: &Bounds) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(bounds.side_px_max);
    limits.max_image_height = Some(bounds.side_px_max);
    limits.max_alloc = Some(2 * bounds.pixels_max * PIXEL_BYTES + DECODER_BYTES);
    limits
}

/// The qualities that are tried for a rotated photo until it is small enough.
const PHOTO_QUALITIES: [u8; 4] = [90, 82, 74, 60];
const THUMBNAIL_QUALITY: u8 = 80;

/// A JPEG of the best quality that fits into `bytes_max`.
pub(crate) fn photo(
    image: &DynamicImage,
    profile: Option<&Profile>,
    bytes_max: u32,
) -> Result<Encoded, Fault> {
    for quality in PHOTO_QUALITIES {
        let encoded = encode_jpeg(image, profile, quality)?;
        if encoded.bytes.len() <= bytes_max as usize {
            return Ok(encoded);
        }
    }
    Err(Fault::TooLarge)
}

/// A thumbnail: PNG if it has transparent pixels, else JPEG.
pub(crate) fn small(image: &DynamicImage, profile: Option<&Profile>) -> Result<Encoded, Fault> {
    if image.color().has_alpha() {
        let pixels = image.to_rgba8();
        if pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
            return encode_png(DynamicImage::from(pixels), profile);
        }
    }
    encode_jpeg(image, profile, THUMBNAIL_QUALITY)
}

/// A PNG with eight bits per channel.
pub(crate) fn encode_png(image: DynamicImage, profile: Option<&Profile>) -> Result<Encoded, Fault> {
    let image = if image.color().has_alpha() {
        DynamicImage::from(image.into_rgba8())
    } else {
        eight_bits(image)
    };
    let mut bytes = Vec::new();
    let filter = FilterType::Adaptive;
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, filter);
    set_profile(&mut encoder, profile)?;
    let color = ExtendedColorType::from(image.color());
    encoder.write_image(image.as_bytes(), image.width(), image.height(), color)?;
    Ok(Encoded { kind: Kind::Png, bytes })
}

fn encode_jpeg(
    image: &DynamicImage,
    profile: Option<&Profile>,
    quality: u8,
) -> Result<Encoded, Fault> {
    let opaque;
    let image = if matches!(image, DynamicImage::ImageRgb8(_) | DynamicImage::ImageLuma8(_)) {
        image
    } else {
        opaque = eight_bits(image.clone());
        &opaque
    };
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    set_profile(&mut encoder, profile)?;
    let color = ExtendedColorType::from(image.color());
    encoder.write_image(image.as_bytes(), image.width(), image.height(), color)?;
    Ok(Encoded { kind: Kind::Jpeg, bytes })
}

/// Converts to eight bits per channel without alpha. Grey stays grey, so that its profile still applies.
fn eight_bits(image: DynamicImage) -> DynamicImage {
    if image.color().has_color() {
        DynamicImage::from(image.into_rgb8())
    } else {
        DynamicImage::from(image.into_luma8())
    }
}

fn set_profile(encoder: &mut impl ImageEncoder, profile: Option<&Profile>) -> Result<(), Fault> {
    let Some(profile) = profile else { return Ok(()) };
    encoder.set_icc_profile(profile.as_bytes().to_vec()).map_err(|_| Fault::Unreadable)
}

/// An accepted picture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl Kind {
    /// The format of `bytes`, by their signature.
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

    /// The format of a declared media type; `None` if the type is generic.
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
        MediaType::parse(name).expect("every accepted format has a valid media type")
    }
}

#[cfg(all(test, feature = "testing"))]
mod picture_tests {
    use super::*;
    use crate::testing::{animated_gif, animated_webp, png_with_words, small_jpeg};

    #[test]
    fn a_file_with_any_byte_changed_never_panics() {
        for file in [small_jpeg(), png_with_words(), animated_gif(), animated_webp()] {
            let mut outcomes = [0, 0];
            for index in 0..file.len().min(1_000) {
                for flipped in [0xff, 0x01, 0x80] {
                    let mut bytes = file.clone();
                    bytes[index] ^= flipped;
                    outcomes[usize::from(prepare(bytes, None, &Bounds::default()).is_ok())] += 1;
                }
            }
            assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
        }
    }

    #[test]
    fn an_animation_ends_at_the_deadline_between_two_frames() {
        let at_once = Bounds { frames_deadline_ms: 0, ..Bounds::default() };
        for file in [animated_gif(), animated_webp()] {
            let outcome = prepare(file, None, &at_once);
            assert!(matches!(outcome, Err(Fault::TooManyPixels)), "{outcome:?}");
        }
        assert!(prepare(small_jpeg(), None, &at_once).is_ok());
    }

    #[test]
    fn a_file_that_is_not_what_was_declared_is_refused() {
        let declared = |kind| prepare(small_jpeg(), Some(kind), &Bounds::default());
        assert!(declared(Kind::Jpeg).is_ok());
        assert!(matches!(declared(Kind::Png), Err(Fault::TypeNotAllowed)));
    }
}

#[cfg(test)]
mod kind_tests {
    use super::*;

    #[test]
    fn a_declared_media_type_is_that_of_its_format() {
        for kind in [Kind::Jpeg, Kind::Png, Kind::Gif, Kind::WebP] {
            assert_eq!(Kind::declared(kind.media_type().as_str()), Ok(Some(kind)));
        }
        for name in ["image/jpg", "image/pjpeg", "image/jfif", "Image/JPEG"] {
            assert_eq!(Kind::declared(name), Ok(Some(Kind::Jpeg)), "{name}");
        }
        assert_eq!(Kind::declared("image/x-png"), Ok(Some(Kind::Png)));
    }

    #[test]
    fn a_generic_declared_type_contradicts_no_format() {
        for name in ["application/octet-stream", "binary/octet-stream", "image/*", "*/*", ""] {
            assert_eq!(Kind::declared(name), Ok(None), "{name}");
        }
        for name in ["image/svg+xml", "image/heic", "text/plain", "text/html", "application/pdf"] {
            assert_eq!(Kind::declared(name), Err(Fault::TypeNotAllowed), "{name}");
        }
    }

    #[test]
    fn a_format_is_recognised_by_its_signature() {
        assert_eq!(Kind::of(b"GIF89a"), Ok(Kind::Gif));
        assert_eq!(Kind::of(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Kind::WebP));
        assert_eq!(Kind::of(b"RIFF\0\0\0\0WAVEfmt "), Err(Fault::TypeNotAllowed));
        assert_eq!(Kind::of(b"<svg/>"), Err(Fault::TypeNotAllowed));
        assert_eq!(Kind::of(b""), Err(Fault::Unreadable));
    }
}
