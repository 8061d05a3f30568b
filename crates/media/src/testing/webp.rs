//! WebP files, chunk by chunk.

use image::{DynamicImage, codecs::webp::WebPEncoder};

use super::{exif, scene, scene_of};

/// The scene lying on its side, a word on how to turn it, and all that a phone says.
pub fn turned_webp() -> Vec<u8> {
    let lying = scene().rotate90();
    let chunks = [
        canvas(0x0c, lying.width(), lying.height()),
        coded(&lying),
        chunk(*b"EXIF", &exif::of_a_phone(8)),
        chunk(*b"XMP ", b"Stadtplan"),
    ];
    let mut file = file(&chunks);
    file.extend_from_slice(b"Bewegtbild");
    file
}

/// Three frames for ever, and XMP.
pub fn animated_webp() -> Vec<u8> {
    let upright = scene_of(60, 80);
    let frames = [upright.clone(), upright.rotate180(), upright.fliph()];
    let mut chunks = vec![canvas(0x06, 60, 80), chunk(*b"ANIM", &[0; 6])];
    chunks.extend(frames.iter().map(frame));
    chunks.push(chunk(*b"XMP ", b"Stadtplan"));
    file(&chunks)
}

/// An animation of `count` black frames. Each of their codes has one symbol, so a pixel takes no bit at all.
pub(super) fn plain_frames(side_px: u32, count: usize) -> Vec<u8> {
    let sides = (side_px - 1) | (side_px - 1) << 14;
    // From the lowest bit: no transform, no colour cache, no further codes; then those of green, red, blue, alpha (255) and
    // distance, each simple, with one symbol: 1, 0, whether it has eight bits, the symbol.
    let codes = 0x07fe_8888_u32;
    let black = [&[0x2f], &sides.to_le_bytes()[..], &codes.to_le_bytes()].concat();
    let side = &(side_px - 1).to_le_bytes()[..3];
    let place = [&[0; 6], side, side, &[100, 0, 0, 2]].concat();
    let frame = chunk(*b"ANMF", &[place, chunk(*b"VP8L", &black)].concat());
    let mut chunks = vec![canvas(0x02, side_px, side_px), chunk(*b"ANIM", &[0; 6])];
    chunks.extend(std::iter::repeat_n(frame, count));
    file(&chunks)
}

/// A lossless picture that is plain.
pub(super) fn plain() -> Vec<u8> {
    file(&[coded(&scene_of(60, 80))])
}

/// A canvas of eight pixels, and a picture that wants memory for 268 million.
pub(super) fn larger_than_its_canvas() -> Vec<u8> {
    let huge = chunk(*b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0]);
    file(&[canvas(0, 8, 8), huge])
}

fn frame(picture: &DynamicImage) -> Vec<u8> {
    let sides = [picture.width() - 1, picture.height() - 1];
    let sides = sides.iter().flat_map(|side| side.to_le_bytes()[..3].to_vec());
    let place: Vec<u8> = [0; 6].into_iter().chain(sides).chain([100, 0, 0, 2]).collect();
    chunk(*b"ANMF", &[place.as_slice(), &coded(picture)].concat())
}

fn canvas(flags: u8, width_px: u32, height_px: u32) -> Vec<u8> {
    let sides = [width_px - 1, height_px - 1].map(u32::to_le_bytes);
    chunk(*b"VP8X", &[&[flags, 0, 0, 0], &sides[0][..3], &sides[1][..3]].concat())
}

/// The chunk with a picture's pixels, as an encoder writes it.
fn coded(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let picture = picture.to_rgb8();
    let (width, height) = picture.dimensions();
    WebPEncoder::new_lossless(&mut file)
        .encode(&picture, width, height, image::ExtendedColorType::Rgb8)
        .expect("memory takes what is written");
    file.split_off(12)
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [&name, length(data.len()).as_slice(), data, padding].concat()
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    [b"RIFF", length(chunks.len() + 4).as_slice(), b"WEBP", &chunks].concat()
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("below 4 GiB").to_le_bytes()
}
