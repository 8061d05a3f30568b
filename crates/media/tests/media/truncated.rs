use domain::{
    ports::{Files, KeepError},
    testing::fixture::Pieces,
};
use media::{
    Media,
    testing::{animated_gif, animated_webp, leftovers, phone_photo, png_with_words, small_jpeg},
};

use crate::{
    fixture::{in_folder, keep, kept, keys, media, owner, read},
    temp_dir::TempDir,
};

/// How many places each file is cut at.
const CUTS: usize = 60;

/// Up to where the picture itself goes: the words behind it may be cut off.
fn picture_len(file: &[u8]) -> usize {
    let behind = b"Bewegtbild";
    let mp4 = b"\0\0\0\x18ftyp";
    let ends = [behind.as_slice(), mp4].map(|mark| {
        file.windows(mark.len()).rposition(|window| window == mark).unwrap_or(file.len())
    });
    ends[0].min(ends[1])
}

/// The ends of what was kept.
fn has_its_end(bytes: &[u8]) -> bool {
    let riff_len = |bytes: &[u8]| {
        let len = bytes[4..8].first_chunk().map_or(0, |len| u32::from_le_bytes(*len));
        len as usize + 8
    };
    match bytes {
        [0xff, 0xd8, ..] => bytes.ends_with(&[0xff, 0xd9]),
        [0x89, ..] => bytes.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"),
        [b'G', ..] => bytes.ends_with(&[0, 0x3b]),
        _ => bytes.len().is_multiple_of(2) && riff_len(bytes) == bytes.len(),
    }
}

#[tokio::test]
async fn a_file_cut_anywhere_is_refused_and_leaves_nothing_unless_only_its_end_is_missing() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    for file in [phone_photo(), small_jpeg(), png_with_words(), animated_gif(), animated_webp()] {
        let end = picture_len(&file);
        let (_, whole, _) = kept(&media, &file[..end]).await;
        clear(&media).await;

        let places = (0..CUTS).map(|place| place * end / CUTS).chain(end - 40..end);
        for len in places {
            match keep(&media, &file[..len]).await {
                Ok(_) => {
                    assert!(end - len <= 40, "cut at {len} of {end}");
                    let full = read(&media, "ab/full").await.expect("it was kept");
                    assert_eq!(full, whole, "cut at {len} of {end}");
                    clear(&media).await;
                }
                Err(KeepError::Unreadable | KeepError::TypeNotAllowed) => {}
                outcome => panic!("cut at {len} of {end}: {outcome:?}"),
            }
            assert_eq!(dir.files(), Vec::<String>::new());
        }
    }
}

async fn clear(media: &Media) {
    media.delete(&keys().full).await.expect("kept");
    media.delete(&keys().thumbnail).await.expect("kept");
}

fn shade(place: u32) -> u8 {
    u8::try_from(place % 200).expect("below 200")
}

fn still_gif() -> Vec<u8> {
    let mut file = Vec::new();
    let picture =
        image::RgbaImage::from_fn(40, 30, |x, y| image::Rgba([shade(x), shade(y), 9, 255]));
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
    encoder.encode_frame(image::Frame::new(picture)).expect("memory takes what is written");
    drop(encoder);
    file
}

fn still_webp(width_px: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let picture =
        image::RgbImage::from_fn(width_px, 30, |x, y| image::Rgb([shade(x), shade(y), 9]));
    image::codecs::webp::WebPEncoder::new_lossless(&mut file)
        .encode(&picture, width_px, 30, image::ExtendedColorType::Rgb8)
        .expect("memory takes what is written");
    file
}

/// The file with another length in its head.
fn with_riff_len(file: &[u8], len: u32) -> Vec<u8> {
    [&file[..4], &len.to_le_bytes(), &file[8..]].concat()
}

#[tokio::test]
async fn a_picture_that_every_browser_shows_is_kept_with_the_end_that_is_missing() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let without = |mut file: Vec<u8>, bytes: usize| {
        file.truncate(file.len() - bytes);
        file
    };
    let (jpeg, gif, animated) = (small_jpeg(), still_gif(), animated_webp());
    let png = {
        let file = png_with_words();
        file[..picture_len(&file)].to_vec()
    };
    let webp = still_webp(40);
    let len = u32::try_from(webp.len() - 8).expect("it is small");
    let table: Vec<(&str, &[u8], Vec<u8>)> = vec![
        ("JPEG without its end mark", &jpeg, without(jpeg.clone(), 2)),
        ("JPEG with half of its end mark", &jpeg, without(jpeg.clone(), 1)),
        (
            "JPEG with a cut comment for its end",
            &jpeg,
            [&without(jpeg.clone(), 2), b"\xff\xfe\0\x20Kommentar".as_slice()].concat(),
        ),
        ("PNG without IEND", &png, without(png.clone(), 12)),
        ("PNG with half of IEND", &png, without(png.clone(), 5)),
        ("PNG without IEND and the last checksum", &png, without(png.clone(), 15)),
        ("PNG with zeros for its end", &png, [without(png.clone(), 12), vec![0; 100]].concat()),
        ("PNG with noise for its end", &png, [without(png.clone(), 12), vec![0x9b; 100]].concat()),
        ("PNG with a broken checksum of IEND", &png, [without(png.clone(), 1), vec![0]].concat()),
        ("GIF without its trailer", &gif, without(gif.clone(), 1)),
        ("GIF without its last empty block", &gif, without(gif.clone(), 2)),
        ("GIF with zeros for its end", &gif, [without(gif.clone(), 1), vec![0; 100]].concat()),
        (
            "GIF with a cut comment for its end",
            &gif,
            [&without(gif.clone(), 1), b"\x21\xfe\x20Kommentar".as_slice()].concat(),
        ),
        ("WebP that counts its whole file", &webp, with_riff_len(&webp, len + 8)),
        ("WebP that counts without its name", &webp, with_riff_len(&webp, len - 4)),
        ("WebP that does not know its length", &webp, with_riff_len(&webp, 0)),
        ("WebP that is as long as can be", &webp, with_riff_len(&webp, u32::MAX)),
        ("WebP that moves, cut in its XMP", &animated, without(animated.clone(), 4)),
    ];
    for (what, file, cut) in table {
        let (_, whole, small) = kept(&media, file).await;
        clear(&media).await;
        let (_, full, thumbnail) = kept(&media, &cut).await;
        clear(&media).await;
        assert!(full == whole && thumbnail == small, "{what}");
        assert!(has_its_end(&full), "{what}");
        assert_eq!(leftovers(&full), Vec::<String>::new(), "{what}");
    }
}

#[tokio::test]
async fn zeros_in_place_of_the_end_of_a_jpeg_change_nothing_of_it() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let file = small_jpeg();
    let (_, whole, _) = kept(&media, &file).await;
    clear(&media).await;
    let (_, full, _) = kept(&media, &[&file[..file.len() - 2], &[0; 512]].concat()).await;
    let shown = |bytes: &[u8]| image::load_from_memory(bytes).expect("a picture");
    assert!(shown(&full) == shown(&whole) && has_its_end(&full));
}

#[tokio::test]
async fn a_webp_may_lack_its_last_padding() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    // Whether there is padding depends on the pixels.
    let padded = (8..200).map(still_webp).find(|file| file[16] % 2 == 1).expect("every other one");
    let (_, whole, _) = kept(&media, &padded).await;
    clear(&media).await;
    let cut = &padded[..padded.len() - 1];
    let len = u32::try_from(cut.len() - 8).expect("it is small");
    for file in [cut.to_vec(), with_riff_len(cut, len)] {
        let (_, full, _) = kept(&media, &file).await;
        clear(&media).await;
        assert!(full == whole && has_its_end(&full));
    }
}

#[tokio::test]
async fn a_picture_of_which_pixels_are_missing_is_refused_whatever_stands_in_their_place() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let jpeg = small_jpeg();
    let png = png_with_words();
    let gif = still_gif();
    for (what, file) in [
        ("JPEG without its last pixels", jpeg[..jpeg.len() - 12].to_vec()),
        ("JPEG with zeros for half of it", [&jpeg[..jpeg.len() / 2], &[0; 512]].concat()),
        ("PNG without its last pixels", png[..picture_len(&png) - 30].to_vec()),
        ("GIF without its last pixels", gif[..gif.len() - 30].to_vec()),
    ] {
        let outcome = keep(&media, &file).await;
        assert!(matches!(outcome, Err(KeepError::Unreadable)), "{what}: {outcome:?}");
        assert_eq!(dir.files(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_declared_type_that_says_nothing_is_no_contradiction() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let jpeg = small_jpeg();
    for declared in ["application/octet-stream", "image/*", "image/pjpeg", "image/jpg", ""] {
        let kept = media.keep(&owner(), &keys(), Some(declared), &mut Pieces::of(&jpeg)).await;
        assert_eq!(kept.expect("a good picture").media_type.as_str(), "image/jpeg", "{declared}");
        clear(&media).await;
    }
    for declared in ["image/x-png", "image/heic", "text/plain"] {
        let refused = media.keep(&owner(), &keys(), Some(declared), &mut Pieces::of(&jpeg)).await;
        assert!(matches!(refused, Err(KeepError::TypeNotAllowed)), "{declared}");
    }
    let nothing = media.keep(&owner(), &keys(), Some("image/*"), &mut Pieces::of(b"<svg/>")).await;
    assert!(matches!(nothing, Err(KeepError::TypeNotAllowed)));
}
