//! Pictures and hostile files for tests, and what to ask of bytes that came out.

#![expect(clippy::missing_panics_doc, reason = "it makes what it makes, or the test has failed")]

mod exif;
mod gif;
mod hostile;
mod jpeg;
mod leftovers;
mod phone;
mod png;
mod pose;
mod scene;
mod webp;

pub use gif::animated_gif;
pub use hostile::{Expected, HostileFile, hostile_files};
pub use jpeg::small_jpeg;
pub use leftovers::leftovers;
pub use phone::phone_photo;
pub use png::{png_with_words, turned_png};
pub use scene::{Corner, SCENE_HEIGHT_PX, SCENE_WIDTH_PX, corners, is_scene, shows_scene};
pub use webp::{animated_webp, turned_webp};
