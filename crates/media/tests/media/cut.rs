use domain::ports::{Files, KeepError};
use media::testing::{animated_gif, animated_webp, phone_photo, png_with_words};

use crate::{
    desk::{in_folder, keep, keys, media},
    scratch::Scratch,
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

#[tokio::test]
async fn a_file_cut_anywhere_is_refused_and_leaves_nothing() {
    let scratch = Scratch::new();
    let media = media(&in_folder(&scratch));
    for file in [phone_photo(), png_with_words(), animated_gif(), animated_webp()] {
        let end = picture_len(&file);
        keep(&media, &file[..end]).await.expect("nothing of the picture is missing");
        media.delete(&keys().full).await.expect("kept");
        media.delete(&keys().thumbnail).await.expect("kept");

        let places = (0..CUTS).map(|place| place * end / CUTS).chain([end - 2, end - 1]);
        for len in places {
            let outcome = keep(&media, &file[..len]).await;
            let refused = matches!(outcome, Err(KeepError::Unreadable | KeepError::TypeNotAllowed));
            assert!(refused, "cut at {len} of {end}: {outcome:?}");
            assert_eq!(scratch.files(), Vec::<String>::new());
        }
    }
}
