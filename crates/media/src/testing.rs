//! Pictures and hostile files for tests, and what to ask of bytes that came out.

#![expect(clippy::missing_panics_doc, reason = "it makes what it makes, or the test has failed")]
mod exif;
mod gif;
mod hostile;
mod jpeg;
mod leftovers;
mod png;
mod webp;

pub use gif::animated_gif;
pub use hostile::{Expected, HostileFile, hostile_files};
pub use jpeg::{phone_photo, small_jpeg};
pub use leftovers::leftovers;
pub use png::{png_with_words, turned_png};
pub use webp::{animated_webp, turned_webp};

use image::{DynamicImage, Rgb, RgbImage};

// A test image whose orientation is visible: each corner has a colour of its own.

/// How wide the scene is when it stands upright, in pixels.
pub const SCENE_WIDTH_PX: u32 = 900;
/// How high the scene is when it stands upright, in pixels.
pub const SCENE_HEIGHT_PX: u32 = 1_200;

/// A quarter of the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// At the top left.
    Red,
    /// At the top right.
    Green,
    /// At the bottom left.
    Blue,
    /// At the bottom right.
    White,
}

/// The scene, upright.
fn scene() -> DynamicImage {
    scene_of(SCENE_WIDTH_PX, SCENE_HEIGHT_PX)
}

fn scene_of(width_px: u32, height_px: u32) -> DynamicImage {
    let colour = |x, y| match (x < width_px / 2, y < height_px / 2) {
        (true, true) => Rgb([220, 20, 20]),
        (false, true) => Rgb([20, 200, 20]),
        (true, false) => Rgb([20, 20, 220]),
        (false, false) => Rgb([250, 250, 250]),
    };
    DynamicImage::from(RgbImage::from_fn(width_px, height_px, colour))
}

/// What is in the corners: top left, top right, bottom left, bottom right.
pub fn corners(picture: &DynamicImage) -> [Corner; 4] {
    let picture = picture.to_rgb8();
    let (right, bottom) = (picture.width() * 3 / 4, picture.height() * 3 / 4);
    let (left, top) = (picture.width() / 4, picture.height() / 4);
    [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| {
        let [red, green, blue] = picture.get_pixel(x, y).0.map(|channel| channel > 127);
        match (red, green, blue) {
            (true, false, false) => Corner::Red,
            (false, true, false) => Corner::Green,
            (false, false, true) => Corner::Blue,
            _ => Corner::White,
        }
    })
}

/// Whether the bytes are a picture of the scene, upright.
pub fn shows_scene(bytes: &[u8]) -> bool {
    image::load_from_memory(bytes).is_ok_and(|picture| is_scene(&picture))
}

/// Whether the picture is the scene, upright.
pub fn is_scene(picture: &DynamicImage) -> bool {
    corners(picture) == [Corner::Red, Corner::Green, Corner::Blue, Corner::White]
}

// Things that pretend to be pictures.

const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
const HTML: &[u8] = b"<!doctype html><script>alert(1)</script>";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>";
const TIFF: &[u8] = b"II*\0\x08\0\0\0\0\0\0\0\0\0";
const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1";

/// An archive with one empty entry: it is read from its end, so it may stand behind anything.
fn archive() -> Vec<u8> {
    let entry =
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0Evil.class!!".to_vec();
    let mut end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    end.extend_from_slice(&u32::try_from(entry.len()).expect("short").to_le_bytes());
    end.extend_from_slice(&[0, 0]);
    [entry, end].concat()
}

/// What stands in clear in the photo and must not leave with it.
const WORDS: [&str; 9] = [
    "Fernsprecher",
    "Verraeter",
    "Camille",
    "Geheimnummer",
    "SERIAL-",
    "Kommentar",
    "Stadtplan",
    "Bildunterschrift",
    "Bewegtbild",
];
