use domain::ports::{Files, KeepError};
use media::{
    Bucket, Media, Settings, SettingsError, Storage,
    testing::{leftovers, phone_photo},
};

use crate::{
    fake_server::FakeServer,
    fixture::{keep, kept, key, keys, media, read},
    s3_server::{S3Server, bucket},
};

fn in_bucket(bucket: Bucket) -> Settings {
    Settings { storage: Storage::Bucket(bucket), call_timeout_ms: 5_000, ..Settings::default() }
}

#[tokio::test]
async fn a_picture_goes_into_a_bucket_and_comes_out_and_goes() {
    let server = S3Server::start();
    let media = media(&in_bucket(server.bucket()));
    let (picture, full, thumbnail) = kept(&media, &phone_photo()).await;
    assert_eq!(picture.size_bytes as usize, full.len());
    assert_eq!(leftovers(&full), Vec::<String>::new());
    assert_eq!(leftovers(&thumbnail), Vec::<String>::new());
    assert_eq!(server.objects(), ["ab/full", "ab/thumbnail"]);

    for key in [keys().full, keys().full, keys().thumbnail] {
        media.delete(&key).await.expect("deleting twice is as good as once");
    }
    assert_eq!(read(&media, "ab/full").await, None);
    assert_eq!(server.objects(), Vec::<String>::new());
}

#[tokio::test]
async fn who_signs_with_another_secret_keeps_and_reads_nothing() {
    let server = S3Server::start();
    kept(&media(&in_bucket(server.bucket())), &phone_photo()).await;
    let secret_access_key = "another-secret".to_owned().into();
    let stranger = media(&in_bucket(Bucket { secret_access_key, ..server.bucket() }));

    assert!(stranger.read(&key("ab/full")).await.is_err());
    assert!(stranger.delete(&key("ab/full")).await.is_err());
    assert!(matches!(keep(&stranger, &phone_photo()).await, Err(KeepError::Failed(_))));
    assert_eq!(server.objects(), ["ab/full", "ab/thumbnail"]);
}

#[tokio::test]
async fn a_bucket_that_answers_500_is_an_error_each_time() {
    let server = FakeServer::answering(|_| (500, String::new())).await;
    let media = media(&in_bucket(bucket(&server.url)));
    assert!(matches!(keep(&media, &phone_photo()).await, Err(KeepError::Failed(_))));
    assert!(media.read(&key("ab/full")).await.is_err());
    assert!(media.delete(&key("ab/full")).await.is_err());
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert!(lines.iter().all(|line| line.contains(" /pictures/ab/full ")), "{lines:?}");
    assert!(asked.len() <= 6, "one retry each: {}", asked.len());
}

#[tokio::test]
async fn a_bucket_that_is_away_is_an_error() {
    let media = media(&in_bucket(bucket("http://127.0.0.1:1")));
    assert!(matches!(keep(&media, &phone_photo()).await, Err(KeepError::Failed(_))));
}

#[test]
fn a_bucket_without_tls_has_to_be_allowed() {
    let without = Bucket { http_allowed: false, ..bucket("http://127.0.0.1:9000") };
    assert!(matches!(Media::new(&in_bucket(without)), Err(SettingsError::BucketWithoutTls)));
}
