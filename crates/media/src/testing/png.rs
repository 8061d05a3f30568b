//! PNG files, chunk by chunk.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};
use image::imageops;

use super::{exif, scene, scene_of};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// One chunk.
pub(super) fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(data);
    let len = u32::try_from(data.len()).expect("below 4 GiB");
    [len.to_be_bytes().as_slice(), &name, data, &crc.sum().to_be_bytes()].concat()
}

/// A file of RGB pixels: these chunks between the header and the end.
pub(super) fn file(width_px: u32, height_px: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let sides = [width_px.to_be_bytes(), height_px.to_be_bytes()].concat();
    let header = chunk(*b"IHDR", &[sides.as_slice(), &[8, 2, 0, 0, 0]].concat());
    [SIGNATURE, &header, &chunks.concat(), &chunk(*b"IEND", b"")].concat()
}

/// The pixels of a picture, each line behind its filter's number.
pub(super) fn pixels(picture: &image::RgbImage) -> Vec<u8> {
    let line = 3 * picture.width() as usize;
    let lines = picture.as_raw().chunks(line).flat_map(|line| [&[0], line].concat());
    deflate(&lines.collect::<Vec<u8>>())
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

/// So many zeros, compressed as far as that goes.
pub(super) fn deflated_zeros(megabytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1_000_000];
    for _ in 0..megabytes {
        encoder.write_all(&zeros).expect("memory takes what is written");
    }
    encoder.finish().expect("memory takes what is written")
}

/// A small upright scene with these chunks before its pixels.
pub(super) fn with_chunks(mut chunks: Vec<Vec<u8>>) -> Vec<u8> {
    chunks.push(chunk(*b"IDAT", &pixels(&scene_of(60, 80).to_rgb8())));
    file(60, 80, &chunks)
}

/// A screenshot that says who made it, in each way there is.
pub fn png_with_words() -> Vec<u8> {
    let compressed = [b"Comment\0\0".as_slice(), &deflate(b"Kommentar")].concat();
    let mut file = with_chunks(vec![
        chunk(*b"tEXt", b"Author\0Camille Exemple"),
        chunk(*b"zTXt", &compressed),
        chunk(*b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0Stadtplan"),
        chunk(*b"tIME", &[7, 0xea, 8, 14, 18, 30, 0]),
        chunk(*b"eXIf", &exif::of_a_phone(1)),
        // Eight bytes under a name that stands for four.
        chunk(*b"gAMA", b"Camille!"),
    ]);
    file.extend_from_slice(b"Bewegtbild");
    file
}

/// The scene, lying on its side, and a word on how to turn it.
pub fn turned_png() -> Vec<u8> {
    let lying = imageops::rotate90(&scene().to_rgb8());
    let chunks = [chunk(*b"eXIf", &exif::orientation(8)), chunk(*b"IDAT", &pixels(&lying))];
    file(lying.width(), lying.height(), &chunks)
}

/// An animation of two frames; decoders without support for it show the first.
pub(super) fn animated() -> Vec<u8> {
    let picture = scene_of(60, 80).to_rgb8();
    let control = |number: u32| {
        let words = [number, 60, 80, 0, 0].map(u32::to_be_bytes).concat();
        chunk(*b"fcTL", &[words.as_slice(), &[0, 1, 0, 10, 0, 0]].concat())
    };
    let further = [2_u32.to_be_bytes().as_slice(), &pixels(&picture)].concat();
    let counts = [2_u32, 0].map(u32::to_be_bytes).concat();
    let chunks = [
        chunk(*b"acTL", &counts),
        control(0),
        chunk(*b"IDAT", &pixels(&picture)),
        control(1),
        chunk(*b"fdAT", &further),
    ];
    file(60, 80, &chunks)
}
