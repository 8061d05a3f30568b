//! GIF files, block by block.

use image::{
    DynamicImage, Frame,
    codecs::gif::{GifEncoder, Repeat},
};

use super::scene_of;

const COMMENT: &[u8] = b"\x21\xfe\x09Kommentar\0";
const PROGRAM: &[u8] = b"\x21\xff\x0bXMP DataXMP\x09Stadtplan\0";
const TRAILER: u8 = 0x3b;

/// Three frames for ever, a comment, a program's own data, and a film behind the end.
pub fn animated_gif() -> Vec<u8> {
    let mut file = plain();
    let end = file.pop();
    assert_eq!(end, Some(TRAILER), "an encoder ends its file");
    file.extend_from_slice(COMMENT);
    file.extend_from_slice(PROGRAM);
    file.push(TRAILER);
    file.extend_from_slice(b"Bewegtbild");
    file
}

/// Three frames for ever, and nothing else.
pub(super) fn plain() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    encoder.set_repeat(Repeat::Infinite).expect("memory takes what is written");
    let turns: [fn(&DynamicImage) -> DynamicImage; 3] =
        [DynamicImage::clone, DynamicImage::rotate180, DynamicImage::fliph];
    for turn in turns {
        let frame = Frame::new(turn(&scene_of(60, 80)).to_rgba8());
        encoder.encode_frame(frame).expect("memory takes what is written");
    }
    drop(encoder);
    file
}

/// So many frames of one pixel each, on a screen of that size.
pub(super) fn frames(side_px: u16, count: usize) -> Vec<u8> {
    [header(side_px).as_slice(), &pixel_at(0).repeat(count), &[TRAILER]].concat()
}

/// A frame that lies outside of the screen.
pub(super) fn outside() -> Vec<u8> {
    [header(8).as_slice(), &pixel_at(60_000), &[TRAILER]].concat()
}

fn header(side_px: u16) -> Vec<u8> {
    let side = side_px.to_le_bytes();
    [b"GIF89a".as_slice(), &side, &side, &[0x80, 0, 0], &[0, 0, 0, 255, 255, 255]].concat()
}

fn pixel_at(left: u16) -> Vec<u8> {
    let place = [left, 0, 1, 1].map(u16::to_le_bytes).concat();
    [&[0x2c], place.as_slice(), &[0, 2, 2, 0x44, 1, 0]].concat()
}
