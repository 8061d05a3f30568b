use std::io::Cursor;

use image::{
    AnimationDecoder, Frame, ImageBuffer,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
    metadata::LoopCount,
};
use media::testing::{animated_gif, animated_webp, leftovers};

use crate::{
    fixture::{in_folder, kept, media},
    temp_dir::TempDir,
};

/// The pixels of each frame, and whether they are repeated for ever.
fn played<'a>(decoder: impl AnimationDecoder<'a>) -> (Vec<Vec<u8>>, bool) {
    let repeats = matches!(decoder.loop_count(), LoopCount::Infinite);
    let frames = decoder.into_frames().collect_frames().expect("a good animation");
    (frames.into_iter().map(Frame::into_buffer).map(ImageBuffer::into_raw).collect(), repeats)
}

#[tokio::test]
async fn a_gif_keeps_moving_and_loses_its_words() {
    let dir = TempDir::new();
    let play = |bytes: &[u8]| played(GifDecoder::new(Cursor::new(bytes.to_vec())).expect("a GIF"));
    let (picture, full, thumbnail) = kept(&media(&in_folder(&dir)), &animated_gif()).await;
    assert_eq!(play(&full), play(&animated_gif()));
    assert_eq!(play(&full).0.len(), 3);
    assert!(play(&full).1);
    assert_eq!(leftovers(&full), Vec::<String>::new());
    assert_eq!(leftovers(&thumbnail), Vec::<String>::new());
    assert_eq!((picture.width_px, picture.height_px), (60, 80));
}

#[tokio::test]
async fn a_webp_keeps_moving_and_loses_its_words() {
    let dir = TempDir::new();
    let play =
        |bytes: &[u8]| played(WebPDecoder::new(Cursor::new(bytes.to_vec())).expect("a WebP"));
    let (picture, full, _) = kept(&media(&in_folder(&dir)), &animated_webp()).await;
    assert_eq!(play(&full), play(&animated_webp()));
    assert_eq!(play(&full).0.len(), 3);
    assert_eq!(leftovers(&full), Vec::<String>::new());
    assert_eq!(picture.media_type.as_str(), "image/webp");
}
