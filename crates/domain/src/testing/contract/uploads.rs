//! Pictures on their way to a message.

use futures_util::future::join_all;

use super::setup::{
    ANSWERS, Fixture, begun, finish, finished, mixed, object_jobs, sending, upload,
};
use crate::{
    conversation::{
        attachment::{Attachment, Place},
        store::PostOutcome,
    },
    ids::AttachmentId,
    store::Store,
    testing::fixture::{pictures, user},
};

/// Until it is sent a finished upload is its owner's alone, and whoever holds a link may fetch it.
pub async fn an_upload_is_its_owner_s_until_it_is_sent(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let upload = upload(&fixture, &talk.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    assert_eq!(store.attachment(&upload.id, &talk.client).await.expect(ANSWERS), None);
    assert_eq!(store.fetchable(&upload.id).await.expect(ANSWERS), None);

    let kept = finish(&fixture, &upload).await;
    let shown = store.attachment(&upload.id, &talk.client).await.expect(ANSWERS);
    let shown = shown.expect("it is finished");
    assert_eq!((&shown.id, shown.file.name()), (&upload.id, upload.name.as_str()));
    assert_eq!(shown.file.place(), &Place::Kept(kept.clone()));
    for other in [&talk.salon, &user("nobody")] {
        assert_eq!(store.attachment(&upload.id, other).await.expect(ANSWERS), None);
    }
    let fetched = store.fetchable(&upload.id).await.expect(ANSWERS).expect("it is finished");
    assert_eq!((fetched.name, fetched.picture), (upload.name, kept));
    let nowhere: AttachmentId = fixture.mint();
    assert_eq!(store.fetchable(&nowhere).await.expect(ANSWERS), None);
}

/// Sent, an upload is one of the message's files, in its place, for both.
pub async fn a_sent_upload_is_a_file_of_its_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let (first, last) =
        (finished(&fixture, &talk.client).await, finished(&fixture, &talk.client).await);
    let draft = mixed(&first.id, &last.id, None);
    let message = talk.send(&talk.client, draft.clone()).await.message;
    let [one, _, other] = &message.attachments[..] else { panic!("three files: {message:?}") };
    assert_eq!((one, other), (&first, &last));
    assert!(draft.says_the_same_as(&message));
    assert_eq!(talk.reread(&message).await, *message);
    for viewer in [&talk.salon, &talk.client] {
        let shown = store.attachment(&first.id, viewer).await.expect(ANSWERS);
        assert_eq!(shown.as_ref(), Some(&first));
    }
    assert_eq!(store.attachment(&first.id, &user("nobody")).await.expect(ANSWERS), None);
    assert!(store.fetchable(&first.id).await.expect(ANSWERS).is_some());
    let later = fixture.now();
    assert_eq!(store.purge_uploads(later, 9, later).await.expect(ANSWERS), 0);
    store.abandon_upload(&first.id, later).await.expect(ANSWERS);
    assert!(store.fetchable(&first.id).await.expect(ANSWERS).is_some());
    assert_eq!(fixture.tasks().await, []);
}

/// Only a finished upload of one's own that was not sent may be sent: all else is not there, and
/// nothing is changed by trying.
pub async fn what_is_not_one_s_own_to_send_is_not_there(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let own = finished(&fixture, &talk.client).await;
    let theirs = finished(&fixture, &talk.salon).await;
    let sent = finished(&fixture, &talk.client).await;
    talk.send(&talk.client, sending(&[&sent.id], None)).await;
    let unfinished = begun(&fixture, &talk.client).await;
    let before = (talk.state().await, talk.log().await);
    let nowhere: AttachmentId = fixture.mint();
    for id in [&theirs.id, &sent.id, &unfinished.id, &nowhere] {
        for draft in [sending(&[&own.id, id], None), sending(&[id, &own.id], Some("k1"))] {
            let outcome = talk.try_send(&talk.client, draft).await;
            assert_eq!(outcome, PostOutcome::UnknownUpload, "{id}");
        }
    }
    assert_eq!((talk.state().await, talk.log().await), before);
    let message = talk.send(&talk.client, sending(&[&own.id], Some("k1"))).await.message;
    assert_eq!(message.attachments, [own]);
}

/// A repeated key brings the message with its upload again, and says so before it misses the upload.
pub async fn a_retry_with_an_upload_brings_the_message_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let upload = finished(&fixture, &talk.client).await;
    let other = finished(&fixture, &talk.client).await;
    let draft = sending(&[&upload.id], Some("k1"));
    let first = talk.send(&talk.client, draft.clone()).await.message;
    let again = talk.try_send(&talk.client, draft.clone()).await;
    let PostOutcome::Replayed { message, .. } = again else { panic!("{again:?}") };
    assert_eq!(message, first);
    for other in [&other.id, &fixture.mint()] {
        let outcome = talk.try_send(&talk.client, sending(&[other], Some("k1"))).await;
        assert_eq!(outcome, PostOutcome::KeyReused);
    }
    talk.delete(&first).await;
    assert_eq!(talk.try_send(&talk.client, draft).await, PostOutcome::Withdrawn);
}

/// However many send an upload at the same moment, it is in one message.
pub async fn of_ten_sends_of_an_upload_at_once_one_posts(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let upload = finished(&fixture, &talk.client).await;
    let sends = (0..10).map(|_| talk.try_send(&talk.client, sending(&[&upload.id], None)));
    let outcomes = join_all(sends).await;
    let posted = |outcome: &&_| matches!(outcome, PostOutcome::Posted(_));
    assert_eq!(outcomes.iter().filter(posted).count(), 1, "{outcomes:?}");
    assert_eq!(talk.words().await.len(), 1);
}

/// A person has room for so many uploads that were not sent; sending or abandoning one makes room.
pub async fn unsent_uploads_are_bounded(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let begin = async |owner| {
        let mut one = upload(&fixture, owner);
        one.unsent_max = 2;
        store.begin_upload(&one).await.expect(ANSWERS)
    };
    let sent = finished(&fixture, &talk.client).await;
    let abandoned = begun(&fixture, &talk.client).await;
    assert!(!begin(&talk.client).await);
    assert!(begin(&talk.salon).await, "somebody else's room");
    talk.send(&talk.client, sending(&[&sent.id], None)).await;
    assert!(begin(&talk.client).await);
    assert!(!begin(&talk.client).await);
    store.abandon_upload(&abandoned.id, fixture.now()).await.expect(ANSWERS);
    assert!(begin(&talk.client).await);
}

/// The bytes of an abandoned upload are deleted, by jobs that are entered once.
pub async fn an_abandoned_upload_leaves_jobs_and_nothing_else(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let owner = user("c1");
    let half = begun(&fixture, &owner).await;
    let whole = upload(&fixture, &owner);
    assert!(store.begin_upload(&whole).await.expect(ANSWERS));
    let kept = finish(&fixture, &whole).await;
    for _ in 0..2 {
        store.abandon_upload(&half.id, fixture.now()).await.expect(ANSWERS);
        store.abandon_upload(&whole.id, fixture.now()).await.expect(ANSWERS);
    }
    assert_eq!(fixture.tasks().await, object_jobs(&[&half.keys, &whole.keys]));
    assert_eq!(store.attachment(&whole.id, &owner).await.expect(ANSWERS), None);
    assert_eq!(store.fetchable(&whole.id).await.expect(ANSWERS), None);
    assert!(!store.finish_upload(&half.id, &kept.picture).await.expect(ANSWERS));
}

/// What was uploaded long ago and not sent is taken away, oldest first and so many at a time.
pub async fn old_uploads_that_were_not_sent_are_purged(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let first = begun(&fixture, &talk.client).await;
    let sent = finished(&fixture, &talk.client).await;
    talk.send(&talk.client, sending(&[&sent.id], None)).await;
    let second = begun(&fixture, &talk.salon).await;
    let third = begun(&fixture, &talk.client).await;
    let purge =
        async |limit| store.purge_uploads(third.at, limit, fixture.now()).await.expect(ANSWERS);
    assert_eq!(purge(1).await, 1);
    assert_eq!(fixture.tasks().await, object_jobs(&[&first.keys]));
    assert_eq!((purge(9).await, purge(9).await), (1, 0));
    assert_eq!(fixture.tasks().await, object_jobs(&[&first.keys, &second.keys]));
    let kept: Option<Attachment> = store.attachment(&sent.id, &talk.salon).await.expect(ANSWERS);
    assert!(kept.is_some());
}

/// The files of a deleted message are deleted, by jobs, and nobody finds them any more.
pub async fn a_deleted_message_has_its_files_deleted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let upload = upload(&fixture, &talk.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    finish(&fixture, &upload).await;
    let message = talk.send(&talk.client, sending(&[&upload.id], None)).await.message;
    // Of these three the first and the third have a key.
    let hosted = talk.send(&talk.client, pictures("", 3, None)).await.message;
    assert!(store.carries_hosted_file("upload-1").await.expect(ANSWERS));
    assert!(!store.carries_hosted_file("upload-2").await.expect(ANSWERS));

    talk.delete(&message).await.expect("its author may");
    talk.delete(&message).await;
    assert_eq!(store.fetchable(&upload.id).await.expect(ANSWERS), None);
    assert_eq!(store.attachment(&upload.id, &talk.client).await.expect(ANSWERS), None);
    let mut expected = object_jobs(&[&upload.keys]);
    assert_eq!(fixture.tasks().await, expected);
    talk.delete(&hosted).await.expect("its author may");
    let keys = ["upload-1", "upload-3"];
    expected.extend(keys.map(|key| ("delete_hosted_file".to_owned(), key.to_owned())));
    expected.sort();
    assert_eq!(fixture.tasks().await, expected);
    assert!(!store.carries_hosted_file("upload-1").await.expect(ANSWERS));
}

/// So are the files of a conversation that is taken away.
pub async fn a_conversation_taken_away_has_its_files_deleted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let upload = upload(&fixture, &talk.client);
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    finish(&fixture, &upload).await;
    talk.send(&talk.client, sending(&[&upload.id], None)).await;
    talk.send(&talk.salon, pictures("", 1, None)).await;
    talk.end().await;
    let mut expected = object_jobs(&[&upload.keys]);
    expected.push(("delete_hosted_file".to_owned(), "upload-1".to_owned()));
    expected.sort();
    assert_eq!(fixture.tasks().await, expected);
    assert_eq!(store.fetchable(&upload.id).await.expect(ANSWERS), None);
    assert!(!store.carries_hosted_file("upload-1").await.expect(ANSWERS));
}
