//! The parts of a file that make the picture, and none other.
//!
//! Each format is walked part by part. Parts on a short list of known ones are taken over; the rest
//! (where and by whom it was taken, comments, other files behind the picture) is left behind. No
//! decoder ever sees what was left behind. A file that breaks off behind its last pixel gets the end
//! that its format wants.

mod gif;
mod jpeg;
mod png;
mod profile;
mod webp;

use image::metadata::Orientation;

use crate::{Fault, picture::Kind, settings::Bounds};

pub(crate) use profile::Profile;

/// A picture's own parts, and what the others said that matters for looking at it.
#[derive(Debug)]
pub(crate) struct Sanitized {
    /// A complete file.
    pub(crate) bytes: Vec<u8>,
    /// What its header says.
    pub(crate) size: Size,
    /// One, unless it moves.
    pub(crate) frames: u32,
    /// How it has to be turned to stand upright.
    pub(crate) orientation: Orientation,
    /// What its colours mean, unless that is the usual. It is in the bytes as well.
    pub(crate) profile: Option<Profile>,
    /// Of a file without an end: the same with other bytes behind its last pixel. It shows the same
    /// picture, unless pixels are missing.
    pub(crate) with_filler: Option<Vec<u8>>,
}

/// Width and height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
}

impl Size {
    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width_px) * u64::from(self.height_px)
    }

    /// That it is neither empty nor beyond the bounds, if that many frames are so large.
    fn check(self, frames: u32, bounds: &Bounds) -> Result<(), Fault> {
        if self.pixels() == 0 || frames == 0 {
            return Err(Fault::Unreadable);
        }
        let longest_px = self.width_px.max(self.height_px);
        let drawn = self.pixels().saturating_mul(u64::from(frames));
        let fits = self.pixels() <= bounds.pixels_max
            && longest_px <= bounds.side_px_max
            && (frames == 1 || (frames <= bounds.frames_max && drawn <= bounds.frame_pixels_max));
        if fits { Ok(()) } else { Err(Fault::TooManyPixels) }
    }
}

/// Takes over what makes the picture. Nothing is decoded here, and sizes are known to be within
/// bounds afterwards.
pub(crate) fn clean(kind: Kind, bytes: &[u8], bounds: &Bounds) -> Result<Sanitized, Fault> {
    let cleaned = match kind {
        Kind::Jpeg => jpeg::clean(bytes, bounds)?,
        Kind::Png => png::clean(bytes)?,
        Kind::Gif => gif::clean(bytes)?,
        Kind::WebP => webp::clean(bytes)?,
    };
    cleaned.size.check(cleaned.frames, bounds)?;
    Ok(cleaned)
}

/// Bytes read from the front. What is asked for and not there was cut off.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Fault::Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Fault::Unreadable)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn u16_be(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32_be(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    fn u16_le(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32_le(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u24_le(&mut self) -> Result<u32, Fault> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }
}

/// How an EXIF block says that the picture has to be turned, with or without its own heading.
/// Nothing else of it is read.
fn orientation(block: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(block.strip_prefix(b"Exif\0\0").unwrap_or(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_bounded_in_each_way() {
        let bounds = Bounds {
            pixels_max: 100,
            side_px_max: 50,
            frames_max: 3,
            frame_pixels_max: 200,
            ..Bounds::default()
        };
        let check =
            |width_px, height_px, frames| Size { width_px, height_px }.check(frames, &bounds);
        assert_eq!(check(10, 10, 1), Ok(()));
        assert_eq!(check(10, 10, 2), Ok(()));
        assert_eq!(check(5, 5, 3), Ok(()));
        for (width_px, height_px, frames) in [(10, 11, 1), (51, 1, 1), (10, 10, 3), (1, 1, 4)] {
            assert_eq!(check(width_px, height_px, frames), Err(Fault::TooManyPixels));
        }
        assert_eq!(check(u32::MAX, u32::MAX, u32::MAX), Err(Fault::TooManyPixels));
        assert_eq!(check(0, 10, 1), Err(Fault::Unreadable));
        assert_eq!(check(10, 10, 0), Err(Fault::Unreadable));
    }
}
