//! Uploads of pictures.

use futures_util::future::join_all;

use super::setup::{
    ANSWERS, Fixture, finish, finished, mixed, object_jobs, sending, started, upload,
};
use crate::{
    conversation::attachment::{Attachment, StorageLocation},
    ids::AttachmentId,
    store::Store,
    testing::{
        commands::PostOutcome,
        fixture::{pictures, user},
    },
};

/// Until it is sent a finished upload is visible to its owner only; anybody with a link may
/// download it.
pub async fn an_upload_is_its_owner_s_until_it_is_sent(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let upload = upload(&fixture, &conversation.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    assert_eq!(store.attachment(&upload.id, &conversation.client).await.expect(ANSWERS), None);
    assert_eq!(store.downloadable(&upload.id).await.expect(ANSWERS), None);

    let kept = finish(&fixture, &upload).await;
    let shown = store.attachment(&upload.id, &conversation.client).await.expect(ANSWERS);
    let shown = shown.expect("it is finished");
    assert_eq!((&shown.id, shown.file.name()), (&upload.id, upload.name.as_str()));
    assert_eq!(shown.file.location(), &StorageLocation::Stored(kept.clone()));
    for other in [&conversation.salon, &user("nobody")] {
        assert_eq!(store.attachment(&upload.id, other).await.expect(ANSWERS), None);
    }
    let fetched = store.downloadable(&upload.id).await.expect(ANSWERS).expect("it is finished");
    assert_eq!((fetched.name, fetched.picture), (upload.name, kept));
    let nowhere: AttachmentId = fixture.new_id();
    assert_eq!(store.downloadable(&nowhere).await.expect(ANSWERS), None);
}

/// A sent upload is one of the message's files, in order, for both sides.
pub async fn a_sent_upload_is_a_file_of_its_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let (first, last) = (
        finished(&fixture, &conversation.client).await,
        finished(&fixture, &conversation.client).await,
    );
    let draft = mixed(&first.id, &last.id, None);
    let message = conversation.send(&conversation.client, draft.clone()).await.message;
    let [one, _, other] = &message.attachments[..] else { panic!("three files: {message:?}") };
    assert_eq!((one, other), (&first, &last));
    assert!(draft.has_same_content_as(&message));
    assert_eq!(conversation.reload(&message).await, *message);
    for viewer in [&conversation.salon, &conversation.client] {
        let shown = store.attachment(&first.id, viewer).await.expect(ANSWERS);
        assert_eq!(shown.as_ref(), Some(&first));
    }
    assert_eq!(store.attachment(&first.id, &user("nobody")).await.expect(ANSWERS), None);
    assert!(store.downloadable(&first.id).await.expect(ANSWERS).is_some());
    let later = fixture.now();
    assert_eq!(store.purge_uploads(later, 9, later).await.expect(ANSWERS), 0);
    store.abandon_upload(&first.id, later).await.expect(ANSWERS);
    assert!(store.downloadable(&first.id).await.expect(ANSWERS).is_some());
    assert_eq!(fixture.tasks().await, []);
}

/// Only an own finished upload that was not sent can be sent: others are unknown, and trying
/// changes nothing.
pub async fn what_is_not_one_s_own_to_send_is_not_there(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let own = finished(&fixture, &conversation.client).await;
    let theirs = finished(&fixture, &conversation.salon).await;
    let sent = finished(&fixture, &conversation.client).await;
    conversation.send(&conversation.client, sending(&[&sent.id], None)).await;
    let unfinished = started(&fixture, &conversation.client).await;
    let before = (conversation.state().await, conversation.log().await);
    let nowhere: AttachmentId = fixture.new_id();
    for id in [&theirs.id, &sent.id, &unfinished.id, &nowhere] {
        for draft in [sending(&[&own.id, id], None), sending(&[id, &own.id], Some("k1"))] {
            let outcome = conversation.try_send(&conversation.client, draft).await;
            assert_eq!(outcome, PostOutcome::UnknownUpload, "{id}");
        }
    }
    assert_eq!((conversation.state().await, conversation.log().await), before);
    let message =
        conversation.send(&conversation.client, sending(&[&own.id], Some("k1"))).await.message;
    assert_eq!(message.attachments, [own]);
}

/// A repeated key returns the message with its upload, before the upload is checked.
pub async fn a_retry_with_an_upload_brings_the_message_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let upload = finished(&fixture, &conversation.client).await;
    let other = finished(&fixture, &conversation.client).await;
    let draft = sending(&[&upload.id], Some("k1"));
    let first = conversation.send(&conversation.client, draft.clone()).await.message;
    let again = conversation.try_send(&conversation.client, draft.clone()).await;
    let PostOutcome::Replayed { message, .. } = again else { panic!("{again:?}") };
    assert_eq!(message, first);
    for other in [&other.id, &fixture.new_id()] {
        let outcome =
            conversation.try_send(&conversation.client, sending(&[other], Some("k1"))).await;
        assert_eq!(outcome, PostOutcome::KeyReused);
    }
    conversation.delete(&first).await;
    assert_eq!(conversation.try_send(&conversation.client, draft).await, PostOutcome::Withdrawn);
}

/// Of concurrent messages with the same upload one gets it.
pub async fn of_ten_sends_of_an_upload_at_once_one_posts(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let upload = finished(&fixture, &conversation.client).await;
    let sends =
        (0..10).map(|_| conversation.try_send(&conversation.client, sending(&[&upload.id], None)));
    let outcomes = join_all(sends).await;
    let posted = |outcome: &&_| matches!(outcome, PostOutcome::Posted(_));
    assert_eq!(outcomes.iter().filter(posted).count(), 1, "{outcomes:?}");
    assert_eq!(conversation.texts().await.len(), 1);
}

/// The number of unsent uploads per person is bounded; sending or abandoning one makes room.
pub async fn unsent_uploads_are_bounded(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let begin = async |owner| {
        let mut one = upload(&fixture, owner);
        one.unsent_max = 2;
        store.begin_upload(&one).await.expect(ANSWERS)
    };
    let sent = finished(&fixture, &conversation.client).await;
    let abandoned = started(&fixture, &conversation.client).await;
    assert!(!begin(&conversation.client).await);
    assert!(begin(&conversation.salon).await, "somebody else's room");
    conversation.send(&conversation.client, sending(&[&sent.id], None)).await;
    assert!(begin(&conversation.client).await);
    assert!(!begin(&conversation.client).await);
    store.abandon_upload(&abandoned.id, fixture.now()).await.expect(ANSWERS);
    assert!(begin(&conversation.client).await);
}

/// The bytes of an abandoned upload are deleted by jobs, enqueued once.
pub async fn an_abandoned_upload_leaves_jobs_and_nothing_else(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let owner = user("c1");
    let half = started(&fixture, &owner).await;
    let whole = upload(&fixture, &owner);
    assert!(store.begin_upload(&whole).await.expect(ANSWERS));
    let kept = finish(&fixture, &whole).await;
    for _ in 0..2 {
        store.abandon_upload(&half.id, fixture.now()).await.expect(ANSWERS);
        store.abandon_upload(&whole.id, fixture.now()).await.expect(ANSWERS);
    }
    assert_eq!(fixture.tasks().await, object_jobs(&[&half.keys, &whole.keys]));
    assert_eq!(store.attachment(&whole.id, &owner).await.expect(ANSWERS), None);
    assert_eq!(store.downloadable(&whole.id).await.expect(ANSWERS), None);
    assert!(!store.finish_upload(&half.id, &kept.picture).await.expect(ANSWERS));
}

/// Old unsent uploads are deleted, oldest first, in batches.
pub async fn old_uploads_that_were_not_sent_are_purged(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let first = started(&fixture, &conversation.client).await;
    let sent = finished(&fixture, &conversation.client).await;
    conversation.send(&conversation.client, sending(&[&sent.id], None)).await;
    let second = started(&fixture, &conversation.salon).await;
    let third = started(&fixture, &conversation.client).await;
    let purge =
        async |limit| store.purge_uploads(third.at, limit, fixture.now()).await.expect(ANSWERS);
    assert_eq!(purge(1).await, 1);
    assert_eq!(fixture.tasks().await, object_jobs(&[&first.keys]));
    assert_eq!((purge(9).await, purge(9).await), (1, 0));
    assert_eq!(fixture.tasks().await, object_jobs(&[&first.keys, &second.keys]));
    let kept: Option<Attachment> =
        store.attachment(&sent.id, &conversation.salon).await.expect(ANSWERS);
    assert!(kept.is_some());
}

/// The files of a deleted message are deleted by jobs and no longer found.
pub async fn a_deleted_message_has_its_files_deleted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let upload = upload(&fixture, &conversation.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    finish(&fixture, &upload).await;
    let message =
        conversation.send(&conversation.client, sending(&[&upload.id], None)).await.message;
    // The first and the third of these have an upload key.
    let hosted = conversation.send(&conversation.client, pictures("", 3, None)).await.message;
    assert!(store.carries_hosted_file("upload-1").await.expect(ANSWERS));
    assert!(!store.carries_hosted_file("upload-2").await.expect(ANSWERS));

    conversation.delete(&message).await.expect("its author may");
    conversation.delete(&message).await;
    assert_eq!(store.downloadable(&upload.id).await.expect(ANSWERS), None);
    assert_eq!(store.attachment(&upload.id, &conversation.client).await.expect(ANSWERS), None);
    let mut expected = object_jobs(&[&upload.keys]);
    assert_eq!(fixture.tasks().await, expected);
    conversation.delete(&hosted).await.expect("its author may");
    let keys = ["upload-1", "upload-3"];
    expected.extend(keys.map(|key| ("delete_hosted_file".to_owned(), key.to_owned())));
    expected.sort();
    assert_eq!(fixture.tasks().await, expected);
    assert!(!store.carries_hosted_file("upload-1").await.expect(ANSWERS));
}

/// So are the files of a deleted conversation.
pub async fn a_conversation_taken_away_has_its_files_deleted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let upload = upload(&fixture, &conversation.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    finish(&fixture, &upload).await;
    conversation.send(&conversation.client, sending(&[&upload.id], None)).await;
    conversation.send(&conversation.salon, pictures("", 1, None)).await;
    conversation.delete_conversation().await;
    let mut expected = object_jobs(&[&upload.keys]);
    expected.push(("delete_hosted_file".to_owned(), "upload-1".to_owned()));
    expected.sort();
    assert_eq!(fixture.tasks().await, expected);
    assert_eq!(store.downloadable(&upload.id).await.expect(ANSWERS), None);
    assert!(!store.carries_hosted_file("upload-1").await.expect(ANSWERS));
}
