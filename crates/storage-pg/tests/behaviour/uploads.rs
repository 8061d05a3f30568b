//! Concurrent starts, sends and purges of uploads.

use domain::{
    conversation::{
        attachment::{MediaType, ObjectKey, Picture, PictureKeys},
        message::{Draft, DraftFile, MessageKind},
        store::{BeginUpload, UploadStore},
    },
    ids::AttachmentId,
    testing::{
        commands::{Commands, PostOutcome},
        fixture::{content, user},
    },
};
use storage_pg::PgStore;

use crate::{
    concurrency::{assert_counters_are_true, whole_log},
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now},
    waiting::at_once,
};

const JOBS: &str = "SELECT count(*) FROM messaging.job WHERE kind = 'delete_object'";
const UPLOADS: &str = "SELECT count(*) FROM messaging.upload";
const FILES: &str = "SELECT count(*) FROM messaging.attachment";

pub(crate) fn upload_by(owner: &str, unsent_max: u32) -> BeginUpload {
    let id = fresh_id();
    let key = |form: &str| ObjectKey::parse(&format!("{id}/{form}")).expect("a good key");
    BeginUpload {
        id: AttachmentId::parse(&id).expect("a good id"),
        owner: user(owner),
        name: "photo.webp".to_owned(),
        keys: PictureKeys { full: key("full"), thumbnail: key("thumbnail") },
        unsent_max,
        at: now(),
    }
}

/// A picture of the client that may be sent.
pub(crate) async fn uploaded(store: &PgStore) -> AttachmentId {
    let upload = upload_by("c1", 1_000);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    assert!(store.finish_upload(&upload.id, &a_picture()).await.expect(ANSWERS));
    upload.id
}

/// The metadata of a picture.
pub(crate) fn a_picture() -> Picture {
    let webp = MediaType::parse("image/webp").expect("a type that is taken");
    Picture {
        media_type: webp,
        size_bytes: 1_000,
        width_px: 640,
        height_px: 480,
        thumbnail_type: webp,
    }
}

pub(crate) async fn send(conversation: &TestConversation, uploads: &[AttachmentId]) -> PostOutcome {
    let files = uploads.iter().cloned().map(DraftFile::Uploaded).collect();
    let draft = Draft::new(MessageKind::Image, content(""), files, None).expect("it shows some");
    let mut post = conversation.post(&conversation.client, draft);
    post.attachments = uploads.to_vec();
    conversation.store.post_message(&post).await.expect(ANSWERS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_sent_several_times_at_once_is_sent_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    let (one, other) = (uploaded(&scratch).await, uploaded(&scratch).await);
    let outcomes = at_once(12, |number| {
        let conversation = nodes[number % 2].clone();
        let mut uploads = vec![one.clone(), other.clone()];
        if number % 3 == 0 {
            uploads.reverse();
        }
        async move { send(&conversation, &uploads).await }
    })
    .await;

    let refused = |outcome: &&_| **outcome == PostOutcome::UnknownUpload;
    assert_eq!(outcomes.iter().filter(refused).count(), 11, "{outcomes:?}");
    assert_eq!(whole_log(&conversation).await.len(), 2);
    assert_eq!((scratch.number(FILES).await, scratch.number(UPLOADS).await), (2, 0));
    assert_eq!(scratch.number(JOBS).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_sent_to_two_at_once_reaches_one() {
    let scratch = Scratch::new().await;
    let conversations =
        [TestConversation::open(&scratch).await, TestConversation::open(&scratch).await];
    let uploads = [uploaded(&scratch).await, uploaded(&scratch).await];
    let outcomes = at_once(10, |number| {
        let (conversation, mut uploads) = (conversations[number % 2].clone(), uploads.to_vec());
        if number % 2 == 0 {
            uploads.reverse();
        }
        async move { send(&conversation, &uploads).await }
    })
    .await;
    let posted = |outcome: &&_| matches!(outcome, PostOutcome::Posted(_));
    assert_eq!(outcomes.iter().filter(posted).count(), 1, "{outcomes:?}");
    assert_counters_are_true(&scratch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_begun_at_once_no_more_are_noted_than_allowed() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let noted = at_once(16, |number| {
        let store = nodes[number % 2].clone();
        let owner = if number < 12 { "c1" } else { "c2" };
        async move { store.begin_upload(&upload_by(owner, 4)).await.expect(ANSWERS) }
    })
    .await;
    assert_eq!(noted.into_iter().filter(|noted| *noted).count(), 8);
    let most =
        "SELECT max(n) FROM (SELECT count(*) AS n FROM messaging.upload GROUP BY owner_id) AS o";
    assert_eq!(scratch.number(most).await, 4);
}

#[tokio::test]
async fn what_is_being_sent_is_not_taken_away() {
    let scratch = Scratch::new().await;
    let id = uploaded(&scratch).await;
    let sender = scratch.session().await;
    sender
        .batch_execute("BEGIN; SELECT FROM messaging.upload FOR UPDATE")
        .await
        .expect("nobody else has it");
    assert_eq!(scratch.purge_uploads(now(), 10, now()).await.expect(ANSWERS), 0);
    sender.batch_execute("ROLLBACK").await.expect("it was begun");
    assert_eq!(scratch.purge_uploads(now(), 10, now()).await.expect(ANSWERS), 1);
    assert_eq!(scratch.number(JOBS).await, 2);
    assert_eq!(scratch.downloadable(&id).await.expect(ANSWERS), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_sent_and_deleted_at_once_no_picture_is_forgotten() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    for _ in 0..5 {
        let conversation = TestConversation::open(&scratch).await;
        let mut uploads = Vec::new();
        for _ in 0..10 {
            uploads.push(uploaded(&scratch).await);
        }
        at_once(12, |number| {
            let conversation = conversation.on(nodes[number % 2].clone());
            let upload = uploads.get(number).cloned();
            async move {
                match upload {
                    Some(upload) => match send(&conversation, &[upload]).await {
                        PostOutcome::Posted(posted) if number % 3 == 0 => {
                            let id = &posted.message.id;
                            let deleted = conversation
                                .store
                                .delete_message(id, &conversation.client, now())
                                .await;
                            deleted.expect(ANSWERS);
                        }
                        _ => {}
                    },
                    None if number == 10 => {
                        let deleted = conversation
                            .store
                            .delete_conversation(&conversation.id, &conversation.salon, now())
                            .await;
                        deleted.expect(ANSWERS);
                    }
                    None => drop(
                        conversation.store.purge_uploads(now(), 3, now()).await.expect(ANSWERS),
                    ),
                }
            }
        })
        .await;
    }
    // Every picture of the fifty is still to be sent, or its two forms are to be deleted.
    assert_eq!(scratch.number(FILES).await, 0);
    let (unsent, jobs) = (scratch.number(UPLOADS).await, scratch.number(JOBS).await);
    assert_eq!(unsent * 2 + jobs, 100, "{unsent} unsent, {jobs} jobs");
    let twice = "SELECT count(*) - count(DISTINCT subject) FROM messaging.job";
    assert_eq!(scratch.number(twice).await, 0);
}
