use std::io::Cursor;

use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, Limits,
    codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
};

use crate::{clean::Cleaned, fault::Fault, kind::Kind, settings::Bounds};

/// The most bytes of a decoded pixel. Pictures with finer colours may have fewer pixels.
const PIXEL_BYTES: u64 = 4;
/// What a decoder may need for itself, beside the picture.
const DECODER_BYTES: u64 = 16 * 1024 * 1024;

/// The picture's pixels, or those of an animation's first frame after all of them were decoded.
pub(crate) fn decode(
    kind: Kind,
    cleaned: &Cleaned,
    bounds: &Bounds,
) -> Result<DynamicImage, Fault> {
    let bytes = Cursor::new(cleaned.bytes.as_slice());
    match kind {
        Kind::Jpeg => still(JpegDecoder::new(bytes)?, bounds),
        Kind::Png => still(PngDecoder::with_limits(bytes, limits(bounds))?, bounds),
        Kind::Gif => {
            let mut decoder = GifDecoder::new(bytes)?;
            decoder.set_limits(limits(bounds))?;
            first_of(decoder.into_frames(), cleaned.frames)
        }
        Kind::WebP => {
            let decoder = WebPDecoder::new(bytes)?;
            if decoder.has_animation() {
                first_of(decoder.into_frames(), cleaned.frames)
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
