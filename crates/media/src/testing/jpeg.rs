//! JPEG files with whatever may stand in them.

use image::{DynamicImage, codecs::jpeg::JpegEncoder, imageops};
use moxcms::ColorProfile;

use super::{scene, scene_of};

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

/// A grey progressive picture: one scan of zeros for the means of its blocks, then scans that say in a few bytes that
/// nothing is added to them. Each costs a decoder a pass over all blocks.
pub(super) fn progressive(width_px: u16, height_px: u16, scans: usize) -> Vec<u8> {
    let blocks = usize::from(width_px.div_ceil(8)) * usize::from(height_px.div_ceil(8));
    let frame = [&[8], &height_px.to_be_bytes()[..], &width_px.to_be_bytes(), &[1, 1, 0x11, 0]];
    // A table with one code of one bit, for this symbol.
    let codes =
        |class: u8, symbol: u8| segment(0xc4, &[&[class, 1], &[0; 15][..], &[symbol]].concat());
    // The symbol is followed by 14 bits: it ends a run of 32,767 blocks.
    let run = std::iter::once(false).chain([true; 14]);
    let runs = run.cycle().take(15 * blocks.div_ceil(32_767));
    let means = [scan_head(0, 0), entropy_coded(std::iter::repeat_n(false, blocks))].concat();
    let nothing = [scan_head(1, 63), entropy_coded(runs)].concat();
    [
        &[0xff, 0xd8],
        segment(0xdb, &[&[0], &[1; 64][..]].concat()).as_slice(),
        &segment(0xc2, &frame.concat()),
        &codes(0x00, 0x00),
        &codes(0x10, 0xe0),
        &means,
        &nothing.repeat(scans - 1),
        &[0xff, 0xd9],
    ]
    .concat()
}

/// The head of a scan of the only channel, for these coefficients.
fn scan_head(first: u8, last: u8) -> Vec<u8> {
    segment(0xda, &[1, 1, 0, first, last, 0])
}

/// Bits, filled up with ones, with a zero byte behind each byte that could be taken for a marker.
fn entropy_coded(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let bits: Vec<bool> = bits.collect();
    let byte = |bits: &[bool]| {
        (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at).copied().unwrap_or(true)))
    };
    let stuffed = |byte: u8| if byte == 0xff { vec![0xff, 0] } else { vec![byte] };
    bits.chunks(8).flat_map(|bits| stuffed(byte(bits))).collect()
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

/// A JPEG as a phone makes it, held upright: the sensor's lines run from top to bottom (orientation
/// 6), and it says where, when, by whom and with what it was taken, in EXIF with GPS and maker note,
/// XMP, IPTC and a comment, in the colours of a phone's screen, with a short film behind it.
pub fn phone_photo() -> Vec<u8> {
    let seen_by_the_sensor = imageops::rotate270(&scene()).into();
    let screen = ColorProfile::new_display_p3().encode().expect("a known profile");
    let mut segments = vec![
        exif(&super::exif::of_a_phone(6)),
        xmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>Stadtplan 48.8584,2.2945</x:xmpmeta>"),
        segment(APP13, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x10Bildunterschrift"),
        segment(COM, b"Kommentar"),
    ];
    segments.extend(profile(&screen));
    let mut photo = with_segments(&encode(&seen_by_the_sensor), &segments);
    photo.extend_from_slice(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isomBewegtbild");
    photo
}
