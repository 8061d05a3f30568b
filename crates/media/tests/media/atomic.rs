//! Writes are atomic: all bytes or none, whoever else writes.

use std::{
    fs::{self, File},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    ports::{Chunks, Files, Interrupted, KeepError},
    testing::fixture::Pieces,
};
use media::{Media, Settings, Storage};

use crate::{
    fake_server::FakeServer,
    fixture::{in_folder, key, media, read},
    s3_server::{S3Server, bucket},
    temp_dir::TempDir,
};

/// More than two parts of an upload to a bucket.
const LARGE_BYTES: usize = 11 * 1024 * 1024;

fn in_bucket(bucket: media::Bucket) -> Settings {
    Settings { storage: Storage::Bucket(bucket), call_timeout_ms: 5_000, ..Settings::default() }
}

async fn all_or_nothing(media: &Media, files: impl Fn() -> Vec<String>) {
    let large: Vec<u8> =
        (0..LARGE_BYTES).map(|at| u8::try_from(at % 251).expect("small")).collect();
    let archive = key("ab/archive");
    let broken = media.write(&archive, &mut Pieces::interrupted_after(&large)).await;
    assert!(matches!(broken, Err(KeepError::Interrupted(_))), "{broken:?}");
    assert_eq!(files(), Vec::<String>::new());
    for bytes in [b"short".as_slice(), &large, b""] {
        let written = media.write(&archive, &mut Pieces::of(bytes)).await;
        assert_eq!(written.expect("there is room"), bytes.len() as u64);
        assert!(read(media, "ab/archive").await.is_some_and(|kept| kept == bytes));
    }
    media.write(&archive, &mut Pieces::of(&large)).await.expect("there is room");
    let broken = media.write(&archive, &mut Pieces::interrupted_after(b"other")).await;
    assert!(matches!(broken, Err(KeepError::Interrupted(_))), "{broken:?}");
    assert!(read(media, "ab/archive").await.is_some_and(|kept| kept == large), "as it was");
    assert_eq!(files().len(), 1, "{:?}", files());
}

#[tokio::test]
async fn a_folder_has_all_that_is_written_or_nothing() {
    let dir = TempDir::new();
    all_or_nothing(&media(&in_folder(&dir)), || dir.files()).await;
    assert_eq!(dir.files(), ["ab/archive"]);
}

#[tokio::test]
async fn a_bucket_has_all_that_is_written_or_nothing() {
    let server = S3Server::start();
    all_or_nothing(&media(&in_bucket(server.bucket())), || server.objects()).await;
    assert_eq!(server.objects(), ["ab/archive"]);
}

/// A slow writer: between its first and last bytes another one writes everything, or deletes it.
struct Slow<'a> {
    media: &'a Media,
    meanwhile: Option<Meanwhile>,
    said: usize,
}

enum Meanwhile {
    Write,
    Delete,
}

#[async_trait]
impl Chunks for Slow<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.said += 1;
        if self.said == 2 {
            let archive = key("ab/archive");
            match self.meanwhile.take() {
                Some(Meanwhile::Write) => {
                    let written = self.media.write(&archive, &mut Pieces::of(b"fast")).await;
                    assert_eq!(written.expect("there is room"), 4);
                }
                Some(Meanwhile::Delete) => {
                    self.media.delete(&archive).await.expect("the place works");
                }
                None => {}
            }
        }
        Ok((self.said <= 2).then(|| b"slow and long".to_vec()))
    }
}

/// Two at once: each is whole, and the last to finish has it.
async fn one_whole_object(media: &Media) {
    let mut slow = Slow { media, meanwhile: Some(Meanwhile::Write), said: 0 };
    media.write(&key("ab/archive"), &mut slow).await.expect("nobody is in its way");
    let kept = read(media, "ab/archive").await;
    assert_eq!(kept.as_deref(), Some(b"slow and longslow and long".as_slice()));
}

#[tokio::test]
async fn two_who_write_to_a_folder_at_once_leave_one_whole_object() {
    let dir = TempDir::new();
    one_whole_object(&media(&in_folder(&dir))).await;
    assert_eq!(dir.files(), ["ab/archive"]);
}

#[tokio::test]
async fn what_is_deleted_while_it_is_written_does_not_come_back() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let mut slow = Slow { media: &media, meanwhile: Some(Meanwhile::Delete), said: 0 };
    let outcome = media.write(&key("ab/archive"), &mut slow).await;
    assert!(matches!(outcome, Err(KeepError::Failed(_))), "{outcome:?}");
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[tokio::test]
async fn two_who_write_to_a_bucket_at_once_leave_one_whole_object() {
    let server = S3Server::start();
    one_whole_object(&media(&in_bucket(server.bucket()))).await;
    assert_eq!(server.objects(), ["ab/archive"]);
}

#[tokio::test]
async fn what_a_crash_left_goes_with_a_later_attempt() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let folder = dir.path().join("ab");
    fs::create_dir(&folder).expect("ours");
    for (left, hours) in [("archive.old.part", 2), ("archive.new.part", 0), ("other.old.part", 2)] {
        let file = File::create(folder.join(left)).expect("ours");
        let now = file.metadata().and_then(|metadata| metadata.modified()).expect("ours");
        file.set_modified(now - Duration::from_hours(hours)).expect("ours");
    }
    media.write(&key("ab/archive"), &mut Pieces::of(b"all")).await.expect("there is room");
    assert_eq!(dir.files(), ["ab/archive", "ab/archive.new.part", "ab/other.old.part"]);
    media.delete(&key("ab/archive")).await.expect("the folder works");
    assert_eq!(dir.files(), ["ab/other.old.part"]);
}

#[tokio::test]
async fn a_bucket_that_refuses_a_part_is_told_to_forget_the_others() {
    let server = FakeServer::answering(|asked| {
        let begun = "<InitiateMultipartUploadResult><Bucket>pictures</Bucket><Key>ab/archive</Key>\
                     <UploadId>the-upload</UploadId></InitiateMultipartUploadResult>";
        match asked.line.split(' ').next() {
            Some("POST") => (200, begun.to_owned()),
            Some("DELETE") => (204, String::new()),
            _ => (403, String::new()),
        }
    })
    .await;
    let media = media(&in_bucket(bucket(&server.url)));
    let bytes = vec![0; LARGE_BYTES];
    let outcome = media.write(&key("ab/archive"), &mut Pieces::of(&bytes)).await;
    assert!(matches!(outcome, Err(KeepError::Failed(_))), "{outcome:?}");
    let forgotten = |line: &str| line.starts_with("DELETE") && line.contains("uploadId=the-upload");
    assert!(server.asked().iter().any(|asked| forgotten(&asked.line)));
}
