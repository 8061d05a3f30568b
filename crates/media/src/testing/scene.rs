//! A picture that tells when it was turned: each corner has a colour of its own.

use image::{DynamicImage, Rgb, RgbImage};

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
pub(super) fn scene() -> DynamicImage {
    scene_of(SCENE_WIDTH_PX, SCENE_HEIGHT_PX)
}

pub(super) fn scene_of(width_px: u32, height_px: u32) -> DynamicImage {
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
