use std::mem;

use async_trait::async_trait;
use domain::{
    ports::{Chunks, Files, Interrupted, KeepError},
    testing::fixture::{Pieces, user},
};
use futures_util::{
    FutureExt as _,
    future::{join, join_all},
};
use media::{
    Bounds, Settings,
    testing::{hostile_files, phone_photo},
};
use tokio::sync::oneshot;

use crate::{
    fixture::{in_folder, keep, keys, media, owner},
    temp_dir::TempDir,
};

/// Yields its bytes, reports that it was asked for more, and yields nothing until it is released.
struct Stalling {
    bytes: Vec<u8>,
    asked: Option<oneshot::Sender<()>>,
    go_on: oneshot::Receiver<()>,
}

impl Stalling {
    /// The stream, what says that its bytes were read, and what releases it.
    fn after(bytes: Vec<u8>) -> (Self, oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (asked, was_asked) = oneshot::channel();
        let (release, go_on) = oneshot::channel();
        (Self { bytes, asked: Some(asked), go_on }, was_asked, release)
    }
}

#[async_trait]
impl Chunks for Stalling {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        if !self.bytes.is_empty() {
            return Ok(Some(mem::take(&mut self.bytes)));
        }
        if let Some(asked) = self.asked.take() {
            asked.send(()).expect("the test listens");
        }
        (&mut self.go_on).await.map_err(|_| Interrupted)?;
        Err(Interrupted)
    }
}

#[tokio::test]
async fn sixteen_uploads_that_stall_take_no_place_from_anybody_else() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let photo = phone_photo();
    let (mut stalled, mut releases, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..16 {
        let (mut stalling, was_asked, release) = Stalling::after(photo[..200].to_vec());
        let media = &media;
        // Two of each person.
        stalled.push(async move {
            media.keep(&user(&format!("p{}", number / 2)), &keys(), None, &mut stalling).await
        });
        releases.push(release);
        asked.push(was_asked);
    }
    let others = async {
        join_all(asked).await;
        keep(&media, &photo).await.expect("nobody waits for those who stall");
        drop(releases);
    };
    let (outcomes, ()) = join(join_all(stalled), others).await;
    for outcome in outcomes {
        assert!(matches!(outcome, Err(KeepError::Interrupted(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn sixteen_bombs_at_once_are_refused_and_a_photo_among_them_is_kept() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let bombs = hostile_files();
    for name in ["WebP of 6 kB", "GIF of 15 kB", "JPEG of 99 scans"] {
        let bomb = bombs.iter().find(|file| file.name.starts_with(name)).expect("it is there");
        let bytes = (bomb.build)();
        let (keys, photo) = (keys(), phone_photo());
        let people: Vec<_> = (0..16).map(|number| user(&format!("p{}", number / 2))).collect();
        let bombs = people
            .iter()
            .map(|person| async { media.keep(person, &keys, None, &mut Pieces::of(&bytes)).await });
        let (outcomes, kept) = join(join_all(bombs), keep(&media, &photo)).await;
        assert!(kept.is_ok(), "{name}: {kept:?}");
        for outcome in outcomes {
            // Who has two places may have to give one up to the photo.
            let is_refused = matches!(outcome, Err(KeepError::TooManyPixels | KeepError::Busy));
            assert!(is_refused, "{name}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_third_upload_of_a_person_waits_for_their_first_and_an_eleventh_is_refused() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let photo = phone_photo();
    let (mut one, one_asked, release_one) = Stalling::after(vec![1]);
    let (mut two, two_asked, release_two) = Stalling::after(vec![1]);
    let (owner, keys) = (owner(), keys());
    let stalls =
        join(media.keep(&owner, &keys, None, &mut one), media.keep(&owner, &keys, None, &mut two));
    let others = async {
        let (one, two) = join(one_asked, two_asked).await;
        assert!(one.is_ok() && two.is_ok());
        let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(keep(&media, &photo))).collect();
        for waiting in &mut waiting {
            assert!(waiting.as_mut().now_or_never().is_none(), "it waits");
        }
        assert!(matches!(keep(&media, &photo).await, Err(KeepError::TooManyAtOnce)));
        drop((release_one, release_two));
        for kept in join_all(waiting).await {
            kept.expect("its turn came");
        }
    };
    let ((one, two), ()) = join(stalls, others).await;
    assert!(one.is_err() && two.is_err());
}

#[tokio::test]
async fn all_uploads_together_hold_no_more_memory_than_allowed() {
    let dir = TempDir::new();
    let bounds = Bounds { file_bytes_max: 1_000_000, ..Bounds::default() };
    let media = media(&Settings { bounds, upload_bytes_max: 1_000_000, ..in_folder(&dir) });
    let (mut large, was_asked, release) = Stalling::after(vec![7; 999_999]);
    let (person, keys) = (user("p1"), keys());
    let first = media.keep(&person, &keys, None, &mut large);
    let second = async {
        was_asked.await.expect("the first is read");
        let outcome = keep(&media, &phone_photo()).await;
        assert!(matches!(outcome, Err(KeepError::Busy)), "{outcome:?}");
        drop(release);
    };
    let (first, ()) = join(first, second).await;
    assert!(matches!(first, Err(KeepError::Interrupted(_))));
    keep(&media, &phone_photo()).await.expect("the memory is free again");
}

#[tokio::test]
async fn pictures_wait_for_one_another_and_all_are_kept() {
    let dir = TempDir::new();
    let media = media(&Settings { pictures_at_once_max: 1, ..in_folder(&dir) });
    let photo = phone_photo();
    let (one, two, three) =
        tokio::join!(keep(&media, &photo), keep(&media, &photo), keep(&media, &photo));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
}

#[tokio::test]
async fn each_bound_is_the_one_that_was_set() {
    let dir = TempDir::new();
    let photo = phone_photo();
    let fewer_bytes = Bounds { file_bytes_max: 1_000, ..Bounds::default() };
    let fewer_pixels = Bounds { pixels_max: 1_000_000, ..Bounds::default() };
    let shorter = Bounds { side_px_max: 1_000, ..Bounds::default() };
    let with = |bounds| media(&Settings { bounds, ..in_folder(&dir) });
    assert!(matches!(keep(&with(fewer_bytes), &photo).await, Err(KeepError::TooLarge)));
    assert!(matches!(keep(&with(fewer_pixels), &photo).await, Err(KeepError::TooManyPixels)));
    assert!(matches!(keep(&with(shorter), &photo).await, Err(KeepError::TooManyPixels)));
    assert_eq!(dir.files(), Vec::<String>::new());
}
