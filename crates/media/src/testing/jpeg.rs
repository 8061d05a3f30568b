//! JPEG files with whatever may stand in them.

use image::{DynamicImage, codecs::jpeg::JpegEncoder};

use super::scene_of;

pub(super) const APP1: u8 = 0xe1;
pub(super) const APP2: u8 = 0xe2;
pub(super) const APP13: u8 = 0xed;
pub(super) const COM: u8 = 0xfe;

/// A plain picture of 60 x 80 pixels.
pub fn small_jpeg() -> Vec<u8> {
    encode(&scene_of(60, 80))
}

/// A plain file.
pub(super) fn encode(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(picture).expect("memory is enough");
    bytes
}

/// The file with `segments` right behind its first marker.
pub(super) fn with_segments(file: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    let (first, rest) = file.split_at(2);
    [first, &segments.concat(), rest].concat()
}

/// One segment.
pub(super) fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len() + 2).expect("it fits into a segment");
    [&[0xff, marker], len.to_be_bytes().as_slice(), data].concat()
}

pub(super) fn exif(block: &[u8]) -> Vec<u8> {
    segment(APP1, &[b"Exif\0\0", block].concat())
}

pub(super) fn xmp(text: &str) -> Vec<u8> {
    segment(APP1, format!("http://ns.adobe.com/xap/1.0/\0{text}").as_bytes())
}

/// A colour profile, in as many segments as it needs.
pub(super) fn profile(profile: &[u8]) -> Vec<Vec<u8>> {
    let pieces = profile.chunks(60_000);
    let count = u8::try_from(pieces.len()).expect("at most 255 pieces");
    let numbered = (1..=count).zip(pieces);
    let piece = |(number, piece): (u8, &[u8])| {
        segment(APP2, &[b"ICC_PROFILE\0", [number, count].as_slice(), piece].concat())
    };
    numbered.map(piece).collect()
}

/// The file with its only scan so many times.
pub(super) fn with_scans(file: &[u8], times: usize) -> Vec<u8> {
    let from = find(file, &[0xff, 0xda]);
    let scan = &file[from..file.len() - 2];
    [&file[..from], &scan.repeat(times), &[0xff, 0xd9]].concat()
}

/// The file with another size in its header.
pub(super) fn with_size(file: &[u8], width_px: u16, height_px: u16) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = find(&file, &[0xff, 0xc0]) + 5;
    file[at..at + 2].copy_from_slice(&height_px.to_be_bytes());
    file[at + 2..at + 4].copy_from_slice(&width_px.to_be_bytes());
    file
}

/// The file without its tables of codes.
pub(super) fn without_tables(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for at in 0..file.len() - 1 {
        if matches!(file[at..at + 2], [0xff, 0xdb | 0xc4]) {
            // A comment.
            file[at + 1] = COM;
        }
    }
    file
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("an encoder wrote it")
}
