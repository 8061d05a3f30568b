//! JPEG (ITU T.81): markers, segments, and scans of coded bytes.

use image::metadata::Orientation;

use super::{
    Sanitized, Size,
    input::{Fault, Input},
    profile::{Channels, PROFILE_MAX_BYTES, Profile},
};
use crate::{sanitize, settings::Bounds};

/// Progressive pictures have about ten scans. Each costs a pass over all pixels and only a few bytes, so the passes are
/// bounded too ([`Size::check_passes`]).
const SCANS_MAX: u32 = 100;

/// A block of 8 x 8 pixels takes at least one bit, so a byte never codes more pixels than this. Decoders would invent the
/// missing ones.
const PIXELS_FOR_A_BYTE_MAX: u64 = 512;

/// Stands for the missing coded bytes of a truncated file: without a pattern, and without a marker.
const FILLER: [u8; 32] = [
    0x5a, 0x13, 0xc7, 0x68, 0x2d, 0xf1, 0x84, 0x3e, 0xb2, 0x09, 0x97, 0xdc, 0x41, 0x76, 0xeb, 0x30,
    0x1c, 0xa5, 0x6f, 0xd8, 0x03, 0xb9, 0x4e, 0x92, 0x7d, 0xe4, 0x28, 0x5b, 0xc1, 0x36, 0x8a, 0xf7,
];

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

pub(crate) fn clean(bytes: &[u8], bounds: &Bounds) -> Result<Sanitized, Fault> {
    let mut input = Input::new(bytes);
    input.take(2)?;
    let mut parts = Parts::default();
    // The file is truncated if there is no further marker or segment.
    while let Ok(marker) = next_marker(&mut input) {
        match marker {
            EOI => return parts.assemble(bounds),
            0x01 | 0xd0..=SOI => {}
            marker => {
                let Ok(segment) = segment(&mut input) else { break };
                if marker == SOS {
                    parts.take_scan(segment, &mut input)?;
                } else {
                    parts.take_segment(marker, segment)?;
                }
            }
        }
    }
    parts.assemble_without_end(bounds)
}

/// The code of the next marker. Bytes before it are skipped.
fn next_marker(input: &mut Input<'_>) -> Result<u8, Fault> {
    while input.byte()? != 0xff {}
    loop {
        match input.byte()? {
            0xff => {}
            0x00 => while input.byte()? != 0xff {},
            code => return Ok(code),
        }
    }
}

fn segment<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let len = usize::from(input.u16_be()?);
    input.take(len.checked_sub(2).ok_or(Fault::Unreadable)?)
}

#[derive(Default)]
struct Parts<'a> {
    head: Vec<u8>,
    body: Vec<u8>,
    frame: Option<(Size, u8)>,
    /// Channels have several scans, each finer than the one before.
    is_progressive: bool,
    scans: u32,
    /// The number of channels of all scans together.
    scanned: u32,
    coded_bytes: u64,
    orientation: Option<Orientation>,
    profile: Vec<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn take_segment(&mut self, marker: u8, segment: &'a [u8]) -> Result<(), Fault> {
        match marker {
            0xc0..=0xc2 => {
                if self.frame.replace(frame(segment)?).is_some() {
                    return Err(Fault::Unreadable);
                }
                self.is_progressive = marker == 0xc2;
                put(&mut self.body, marker, segment);
            }
            // Huffman tables, quantisation tables, and the restart interval.
            0xc4 | 0xdb | 0xdd => put(&mut self.body, marker, segment),
            APP0 => self.take_jfif(segment),
            APP1 if segment.starts_with(b"Exif\0\0") && self.orientation.is_none() => {
                self.orientation = sanitize::orientation(segment);
            }
            APP2 => self.profile.extend(segment.strip_prefix(b"ICC_PROFILE\0")),
            APP14 => self.take_adobe(segment),
            _ => {}
        }
        Ok(())
    }

    /// Copies version and pixel density, without the thumbnail that may follow.
    fn take_jfif(&mut self, segment: &[u8]) {
        if segment.starts_with(b"JFIF\0") && segment.len() >= 14 && self.head.is_empty() {
            let mut kept = [0; 14];
            kept[..12].copy_from_slice(&segment[..12]);
            put(&mut self.head, APP0, &kept);
        }
    }

    /// Copies the colour transform, without which colours may be wrong.
    fn take_adobe(&mut self, segment: &[u8]) {
        if let Some(kept) = segment.get(..12).filter(|kept| kept.starts_with(b"Adobe")) {
            put(&mut self.head, APP14, kept);
        }
    }

    fn take_scan(&mut self, head: &[u8], input: &mut Input<'_>) -> Result<(), Fault> {
        self.scans += 1;
        if self.scans > SCANS_MAX {
            return Err(Fault::Unreadable);
        }
        self.scanned += head.first().copied().map_or(0, u32::from);
        put(&mut self.body, SOS, head);
        let coded = input.take(coded_len(input.rest()))?;
        self.coded_bytes += coded.len() as u64;
        self.body.extend_from_slice(coded);
        Ok(())
    }

    /// Completes a truncated file if no channel is missing. Whether pixels are missing shows only when it is decoded, because
    /// a decoder continues after the last one.
    fn assemble_without_end(self, bounds: &Bounds) -> Result<Sanitized, Fault> {
        let (is_progressive, scanned, scans) = (self.is_progressive, self.scanned, self.scans);
        if self.frame.is_none_or(|(_, channels)| !is_progressive && scanned < channels.into()) {
            return Err(Fault::Unreadable);
        }
        let mut cleaned = self.assemble(bounds)?;
        // It is decoded twice.
        cleaned.size.check_passes(2 * scans, bounds)?;
        let (picture, end) = cleaned.bytes.split_at(cleaned.bytes.len() - 2);
        cleaned.with_filler = Some([picture, &FILLER, end].concat());
        Ok(cleaned)
    }

    fn assemble(self, bounds: &Bounds) -> Result<Sanitized, Fault> {
        let (size, channels) = self.frame.filter(|_| self.scans > 0).ok_or(Fault::Unreadable)?;
        size.check(1, bounds)?;
        size.check_passes(self.scans, bounds)?;
        if size.pixels() > self.coded_bytes * PIXELS_FOR_A_BYTE_MAX {
            return Err(Fault::Unreadable);
        }
        let channels = match channels {
            1 => Some(Channels::Grey),
            3 => Some(Channels::Rgb),
            _ => None,
        };
        let profile = channels.and_then(|channels| joined_profile(&self.profile, channels));
        let mut bytes = vec![0xff, SOI];
        bytes.extend_from_slice(&self.head);
        if let Some(profile) = &profile {
            put(&mut bytes, APP2, &[b"ICC_PROFILE\0\x01\x01", profile.as_bytes()].concat());
        }
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(&[0xff, EOI]);
        let orientation = self.orientation.unwrap_or(Orientation::NoTransforms);
        Ok(Sanitized { bytes, size, frames: 1, orientation, profile, with_filler: None })
    }
}

/// Size and number of channels.
fn frame(segment: &[u8]) -> Result<(Size, u8), Fault> {
    let mut input = Input::new(segment);
    input.byte()?;
    let (height, width) = (input.u16_be()?, input.u16_be()?);
    let size = Size { width_px: u32::from(width), height_px: u32::from(height) };
    Ok((size, input.byte()?))
}

/// The number of bytes up to the marker that ends a scan, or up to the end of a truncated file without the first half of
/// a marker.
fn coded_len(bytes: &[u8]) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7);
    let all = || bytes.strip_suffix(&[0xff]).unwrap_or(bytes).len();
    bytes.windows(2).position(ends).unwrap_or_else(all)
}

/// Joins a profile of numbered pieces, each after its number and their count.
fn joined_profile(pieces: &[&[u8]], channels: Channels) -> Option<Profile> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    if len > PROFILE_MAX_BYTES + 2 * pieces.len() {
        return None;
    }
    let mut pieces: Vec<_> =
        pieces.iter().map(|piece| piece.split_first_chunk::<2>()).collect::<Option<_>>()?;
    pieces.sort_by_key(|([number, _], _)| *number);
    let joined: Vec<u8> = pieces.iter().flat_map(|(_, piece)| *piece).copied().collect();
    Profile::rebuilt(&joined, channels)
}

/// Appends a segment. Never longer than the one that was read.
fn put(out: &mut Vec<u8>, marker: u8, segment: &[u8]) {
    let len = u16::try_from(segment.len() + 2).expect("a segment's length fits its own field");
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(segment);
}
