use std::io::Cursor;

use flate2::Crc;
use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, Limits,
    codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
};

use crate::{clean::Sanitized, fault::Fault, kind::Kind, settings::Bounds};

/// The most bytes of a decoded pixel. Pictures with finer colours may have fewer pixels.
const PIXEL_BYTES: u64 = 4;
/// What a decoder may need for itself, beside the picture.
const DECODER_BYTES: u64 = 16 * 1024 * 1024;

/// The picture's pixels, or those of an animation's first frame after all of them were decoded.
pub(crate) fn decode(
    kind: Kind,
    cleaned: &Sanitized,
    bounds: &Bounds,
) -> Result<DynamicImage, Fault> {
    // One after the other, so that there is never more than one picture in memory.
    let expected = match &cleaned.with_filler {
        Some(bytes) => Some(checksum(&pixels(kind, bytes, cleaned.frames, bounds)?)),
        None => None,
    };
    let image = pixels(kind, &cleaned.bytes, cleaned.frames, bounds)?;
    let is_whole = expected.is_none_or(|expected| expected == checksum(&image));
    if is_whole { Ok(image) } else { Err(Fault::Unreadable) }
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
            first_of(decoder.into_frames(), frames)
        }
        Kind::WebP => {
            let decoder = WebPDecoder::new(bytes)?;
            if decoder.has_animation() {
                first_of(decoder.into_frames(), frames)
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

/// One frame is in memory at a time, beside the first.
fn first_of(frames: Frames<'_>, count: u32) -> Result<DynamicImage, Fault> {
    let mut first = None;
    let mut seen = 0;
    for frame in frames {
        let frame = frame?;
        seen += 1;
        if first.is_none() {
            first = Some(frame.into_buffer());
        }
    }
    first.filter(|_| seen == count).map(DynamicImage::from).ok_or(Fault::Unreadable)
}

/// An animation needs the canvas twice.
fn limits(bounds: &Bounds) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(bounds.side_px_max);
    limits.max_image_height = Some(bounds.side_px_max);
    limits.max_alloc = Some(2 * bounds.pixels_max * PIXEL_BYTES + DECODER_BYTES);
    limits
}
