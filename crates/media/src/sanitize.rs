//! Removes everything from a file that is not part of the picture.
//!
//! Each format is parsed part by part. Parts on an allowlist are copied; the rest (location, author, comments, other files
//! after the picture) is dropped. No decoder sees what was dropped. A file that is truncated after its last pixel is
//! completed with the end that its format requires.

pub(crate) mod gif;
mod input;
pub(crate) mod jpeg;
pub(crate) mod png;
mod profile;
pub(crate) mod webp;

use image::metadata::Orientation;

use crate::settings::Bounds;

pub(crate) use input::Fault;
pub(crate) use profile::Profile;

/// A sanitized file, with the metadata that matters for display.
#[derive(Debug)]
pub(crate) struct Sanitized {
    /// A complete file.
    pub(crate) bytes: Vec<u8>,
    /// The size in its header.
    pub(crate) size: Size,
    /// One, unless it is animated.
    pub(crate) frames: u32,
    /// Its EXIF orientation.
    pub(crate) orientation: Orientation,
    /// Its colour profile, unless it is sRGB. Also part of the bytes.
    pub(crate) profile: Option<Profile>,
    /// For a truncated file: the same with filler bytes after its last pixel. It decodes to the same picture unless pixels
    /// are missing.
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

    /// Checks that a picture with this many frames of this size is not empty and within the bounds.
    pub(crate) fn check(self, frames: u32, bounds: &Bounds) -> Result<(), Fault> {
        if self.pixels() == 0 || frames == 0 {
            return Err(Fault::Unreadable);
        }
        let longest_px = self.width_px.max(self.height_px);
        let frame_pixels = self.pixels().saturating_mul(u64::from(frames));
        let fits = self.pixels() <= bounds.pixels_max
            && longest_px <= bounds.side_px_max
            && (frames == 1
                || (frames <= bounds.frames_max && frame_pixels <= bounds.frame_pixels_max));
        if fits { Ok(()) } else { Err(Fault::TooManyPixels) }
    }

    /// Checks that a decoder may pass so often over all pixels of a still picture.
    pub(crate) fn check_passes(self, passes: u32, bounds: &Bounds) -> Result<(), Fault> {
        let pixels = self.pixels().saturating_mul(u64::from(passes));
        if pixels <= bounds.scan_pixels_max { Ok(()) } else { Err(Fault::TooManyPixels) }
    }
}

/// The orientation in an EXIF block, with or without the `Exif` header. Nothing else of it is read.
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

    #[test]
    fn the_passes_over_a_picture_are_bounded() {
        let bounds = Bounds { scan_pixels_max: 1_000, ..Bounds::default() };
        let size = Size { width_px: 10, height_px: 10 };
        assert_eq!(size.check_passes(10, &bounds), Ok(()));
        assert_eq!(size.check_passes(11, &bounds), Err(Fault::TooManyPixels));
        let largest = Size { width_px: u32::MAX, height_px: u32::MAX };
        assert_eq!(largest.check_passes(u32::MAX, &bounds), Err(Fault::TooManyPixels));
    }
}
