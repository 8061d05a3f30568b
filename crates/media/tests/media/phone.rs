use domain::conversation::attachment::Picture;
use image::{DynamicImage, ImageReader};
use media::testing::{
    SCENE_HEIGHT_PX, SCENE_WIDTH_PX, is_scene, leftovers, phone_photo, png_with_words, turned_png,
    turned_webp,
};

use crate::{
    fixture::{in_folder, kept, media},
    temp_dir::TempDir,
};

fn seen(bytes: &[u8]) -> DynamicImage {
    let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
    reader.expect("memory can be read").decode().expect("a picture")
}

async fn kept_clean(bytes: &[u8]) -> (Picture, Vec<u8>, Vec<u8>) {
    let dir = TempDir::new();
    let (picture, full, thumbnail) = kept(&media(&in_folder(&dir)), bytes).await;
    assert_eq!(leftovers(&full), Vec::<String>::new());
    assert_eq!(leftovers(&thumbnail), Vec::<String>::new());
    assert_eq!(picture.size_bytes as usize, full.len());
    (picture, full, thumbnail)
}

#[tokio::test]
async fn a_phone_s_photo_comes_out_upright_and_says_nothing() {
    assert!(leftovers(&phone_photo()).len() > 10, "the photo says a lot before");
    let (picture, full, thumbnail) = kept_clean(&phone_photo()).await;

    assert_eq!(picture.media_type.as_str(), "image/jpeg");
    assert_eq!((picture.width_px, picture.height_px), (SCENE_WIDTH_PX, SCENE_HEIGHT_PX));
    let photo = seen(&full);
    assert_eq!((photo.width(), photo.height()), (SCENE_WIDTH_PX, SCENE_HEIGHT_PX));
    assert!(is_scene(&photo));

    let small = seen(&thumbnail);
    assert_eq!(picture.thumbnail_type.as_str(), "image/jpeg");
    assert_eq!((small.width(), small.height()), (360, 480));
    assert!(is_scene(&small));
}

#[tokio::test]
async fn a_phone_s_colours_are_kept_in_both_forms() {
    let (_, full, thumbnail) = kept_clean(&phone_photo()).await;
    let has_profile = |bytes: &[u8]| bytes.windows(12).any(|window| window == b"ICC_PROFILE\0");
    assert!(has_profile(&full) && has_profile(&thumbnail));
}

#[tokio::test]
async fn what_was_cleaned_passes_again_as_it_is() {
    let (_, once, _) = kept_clean(&phone_photo()).await;
    let (_, twice, _) = kept_clean(&once).await;
    assert_eq!(once, twice);
}

#[tokio::test]
async fn every_kind_of_picture_is_turned_upright() {
    for (turned, media_type) in [(turned_png(), "image/png"), (turned_webp(), "image/jpeg")] {
        let (picture, full, thumbnail) = kept_clean(&turned).await;
        assert_eq!(picture.media_type.as_str(), media_type);
        assert_eq!((picture.width_px, picture.height_px), (SCENE_WIDTH_PX, SCENE_HEIGHT_PX));
        assert!(is_scene(&seen(&full)) && is_scene(&seen(&thumbnail)));
    }
}

#[tokio::test]
async fn a_picture_that_stands_upright_keeps_its_pixels_and_loses_its_words() {
    let before = seen(&png_with_words());
    let (picture, full, _) = kept_clean(&png_with_words()).await;
    assert_eq!(seen(&full), before);
    assert_eq!((picture.width_px, picture.height_px), (before.width(), before.height()));
}

#[tokio::test]
async fn a_small_one_is_never_larger_than_the_picture() {
    let (_, full, thumbnail) = kept_clean(&png_with_words()).await;
    assert!(thumbnail.len() <= full.len());
    let (full, small) = (seen(&full), seen(&thumbnail));
    assert_eq!((small.width(), small.height()), (full.width(), full.height()));
}
