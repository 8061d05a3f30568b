//! Pictures of a few kilobytes that are a lot of work to decode.

/// A picture to upload.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) what: &'static str,
    pub(super) name: &'static str,
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// The pictures: two that are more work than the server does for one, a JPEG of 99 scans that is too, and two that
/// are just about as much as it does.
pub(super) fn pictures() -> Vec<Picture> {
    let webp = |what, side, frames| Picture {
        what,
        name: "a.webp",
        media_type: "image/webp",
        bytes: animated_webp(side, frames),
    };
    let gif = |what, side, frames| Picture {
        what,
        name: "a.gif",
        media_type: "image/gif",
        bytes: animated_gif(side, frames),
    };
    let jpeg = |what, side, scans| Picture {
        what,
        name: "a.jpg",
        media_type: "image/jpeg",
        bytes: progressive_jpeg(side, scans),
    };
    vec![
        webp("WebP, 190 frames of 7,000 x 7,000", 7_000, 190),
        gif("GIF, 900 frames on 7,000 x 7,000", 7_000, 900),
        jpeg("JPEG, 99 scans of 5,000 x 5,000", 5_000, 99),
        webp("WebP, 190 frames of 1,000 x 1,000", 1_000, 190),
        gif("GIF, 900 frames on 400 x 400", 400, 900),
        jpeg("JPEG, 19 scans of 5,000 x 5,000", 5_000, 19),
    ]
}

/// A picture as anybody sends one.
pub(super) fn ordinary() -> Picture {
    let bytes = progressive_jpeg(64, 1);
    Picture { what: "an ordinary JPEG", name: "photo.jpg", media_type: "image/jpeg", bytes }
}

/// Black frames. Each of their codes has one symbol, so a pixel takes no bit at all.
fn animated_webp(side_px: u32, count: usize) -> Vec<u8> {
    let sides = (side_px - 1) | (side_px - 1) << 14;
    // From the lowest bit: no transform, no colour cache, no further codes; then those of green, red, blue,
    // alpha (255) and distance, each with one symbol: 1, 0, whether it has eight bits, the symbol.
    let codes = 0x07fe_8888_u32;
    let black = [&[0x2f], &sides.to_le_bytes()[..], &codes.to_le_bytes()].concat();
    let side = &(side_px - 1).to_le_bytes()[..3];
    let place = [&[0; 6], side, side, &[100, 0, 0, 2]].concat();
    let frame = chunk(*b"ANMF", &[place, chunk(*b"VP8L", &black)].concat());
    let canvas = chunk(*b"VP8X", &[&[0x02, 0, 0, 0], side, side].concat());
    let chunks = [canvas, chunk(*b"ANIM", &[0; 6]), frame.repeat(count)].concat();
    [b"RIFF", &length(chunks.len() + 4)[..], b"WEBP", &chunks].concat()
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [&name, &length(data.len())[..], data, padding].concat()
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// Frames of one pixel each, on a screen of that size.
fn animated_gif(side_px: u16, count: usize) -> Vec<u8> {
    let side = side_px.to_le_bytes();
    let header =
        [b"GIF89a".as_slice(), &side, &side, &[0x80, 0, 0], &[0, 0, 0, 255, 255, 255]].concat();
    let place = [0_u16, 0, 1, 1].map(u16::to_le_bytes).concat();
    let pixel = [&[0x2c], place.as_slice(), &[0, 2, 2, 0x44, 1, 0]].concat();
    [header, pixel.repeat(count), vec![0x3b]].concat()
}

/// A grey progressive picture: one scan of zeros for the means of its blocks, then scans that say in a few
/// bytes that nothing is added to them. Each costs a decoder a pass over all blocks.
fn progressive_jpeg(side_px: u16, scans: usize) -> Vec<u8> {
    let blocks = usize::from(side_px.div_ceil(8)).pow(2);
    let side = side_px.to_be_bytes();
    let frame = [&[8], &side[..], &side, &[1, 1, 0x11, 0]].concat();
    // A table with one code of one bit, for this symbol.
    let codes =
        |class: u8, symbol: u8| segment(0xc4, &[&[class, 1], &[0; 15][..], &[symbol]].concat());
    // The symbol is followed by 14 bits: it ends a run of 32,767 blocks.
    let run = std::iter::once(false).chain([true; 14]);
    let runs = run.cycle().take(15 * blocks.div_ceil(32_767));
    let means = [scan(0, 0), entropy_coded(std::iter::repeat_n(false, blocks))].concat();
    let nothing = [scan(1, 63), entropy_coded(runs)].concat();
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0], &[1; 64][..]].concat()),
        segment(0xc2, &frame),
        codes(0x00, 0x00),
        codes(0x10, 0xe0),
        means,
        nothing.repeat(scans - 1),
        vec![0xff, 0xd9],
    ]
    .concat()
}

/// The head of a scan of the only channel, for these coefficients.
fn scan(first: u8, last: u8) -> Vec<u8> {
    segment(0xda, &[1, 1, 0, first, last, 0])
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    [&[0xff, marker], &len[..], data].concat()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_work_is_a_small_file() {
        for picture in pictures() {
            assert!(picture.bytes.len() < 64 * 1024, "{}: {}", picture.what, picture.bytes.len());
        }
        assert!(animated_webp(7_000, 190).len() < 10_000);
    }
}
