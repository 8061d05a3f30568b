use async_trait::async_trait;
use domain::ports::{Chunks, Files, Interrupted, KeepError};
use media::{Bounds, Settings, testing::phone_photo};
use tokio::sync::oneshot;

use crate::{
    fixture::{in_folder, keep, keys, media},
    temp_dir::TempDir,
};

/// Reports that it was asked, then yields nothing until it is released.
struct Slow {
    asked: Option<oneshot::Sender<()>>,
    go_on: oneshot::Receiver<()>,
}

#[async_trait]
impl Chunks for Slow {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        if let Some(asked) = self.asked.take() {
            asked.send(()).expect("the test listens");
        }
        (&mut self.go_on).await.map_err(|_| Interrupted)?;
        Err(Interrupted)
    }
}

#[tokio::test]
async fn one_upload_more_than_allowed_is_told_to_come_back() {
    let dir = TempDir::new();
    let media = media(&Settings { uploads_at_once_max: 1, ..in_folder(&dir) });
    let (asked, was_asked) = oneshot::channel();
    let (tell, go_on) = oneshot::channel();
    let mut slow = Slow { asked: Some(asked), go_on };
    let first = async {
        let outcome = media.keep(&keys(), None, &mut slow).await;
        assert!(matches!(outcome, Err(KeepError::Interrupted(_))));
    };
    let second = async {
        was_asked.await.expect("the first is read");
        let outcome = keep(&media, &phone_photo()).await;
        assert!(matches!(outcome, Err(KeepError::Busy)), "{outcome:?}");
        tell.send(()).expect("the first waits");
    };
    tokio::join!(first, second);
    keep(&media, &phone_photo()).await.expect("there is a place again");
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
