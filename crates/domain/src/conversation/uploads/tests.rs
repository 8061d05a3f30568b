use super::*;
use crate::{
    conversation::attachment::Place,
    jobs::store::JobFilter,
    ports::Interrupted,
    testing::{
        MemoryStore,
        fixture::{CountingIds, FixedClock, MemoryFiles, Pieces, user},
    },
};

struct Fixture {
    uploads: Uploads,
    store: Arc<MemoryStore>,
    files: Arc<MemoryFiles>,
}

fn fixture() -> Fixture {
    let (store, files) = (Arc::new(MemoryStore::new()), Arc::new(MemoryFiles::new()));
    let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
    let settings = UploadSettings { unsent_max: 2 };
    let uploads = Uploads::new(store.clone(), files.clone(), clock, ids, settings);
    Fixture { uploads, store, files }
}

impl Fixture {
    async fn upload(&self, name: &str, mut bytes: Pieces) -> Result<Attachment, UploadError> {
        self.uploads.upload(&user("c1"), name, Some("image/webp"), &mut bytes).await
    }

    /// How many objects are to be deleted.
    async fn deletions(&self) -> usize {
        use crate::jobs::store::JobStore;
        let jobs = self.store.jobs(JobFilter::All, 100).await.expect("it works");
        jobs.iter().filter(|job| job.task.kind() == "delete_object").count()
    }
}

#[tokio::test]
async fn a_picture_is_kept_and_shown_in_both_forms() {
    let fixture = fixture();
    let bytes = [&b"picture"[..], &[7; 5_000]].concat();
    let kept = fixture.upload("Léa.webp", Pieces::of(&bytes)).await.expect("a good picture");
    assert_eq!((kept.file.name(), kept.file.size_bytes()), ("Léa.webp", 5_007));
    assert!(matches!(kept.file.place(), Place::Kept(_)));
    let shown = fixture.uploads.attachment(&kept.id, &user("c1")).await.expect("it works");
    assert_eq!(shown.as_ref(), Some(&kept));
    let hidden = fixture.uploads.attachment(&kept.id, &user("s1")).await.expect("it works");
    assert_eq!(hidden, None);

    for (form, size_bytes) in [(PictureForm::Full, 5_007), (PictureForm::Thumbnail, 1)] {
        let opened = fixture.uploads.open(&kept.id, form).await.expect("it works");
        let mut opened = opened.expect("it is kept");
        assert_eq!((opened.name.as_str(), opened.bytes.size_bytes), ("Léa.webp", size_bytes));
        let mut read = 0;
        while let Some(piece) = opened.bytes.chunks.next().await.expect("it is whole") {
            read += piece.len() as u64;
        }
        assert_eq!(read, size_bytes);
    }
    assert_eq!(fixture.deletions().await, 0);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_but_its_deletion() {
    let fixture = fixture();
    let refused = fixture.upload("a.webp", Pieces::of(b"<svg>")).await;
    assert!(matches!(refused, Err(UploadError::Kept(KeepError::TypeNotAllowed))));
    let half = Pieces::interrupted_after(b"picture");
    let refused = fixture.upload("a.webp", half).await;
    assert!(matches!(refused, Err(UploadError::Kept(KeepError::Interrupted(Interrupted)))));
    fixture.files.set_broken(true);
    let refused = fixture.upload("a.webp", Pieces::of(b"picture")).await;
    assert!(matches!(refused, Err(UploadError::Kept(KeepError::Failed(_)))));
    assert_eq!(fixture.files.keys().len(), 1, "a broken place keeps a piece");
    assert_eq!(fixture.deletions().await, 6);
    // None of them takes room from the next ones.
    fixture.files.set_broken(false);
    fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("there is room");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused_before_anything_is_read() {
    let fixture = fixture();
    for name in ["", "../../etc/passwd", "C:\\a.webp", "\0 \u{200b}"] {
        let refused = fixture.upload(name, Pieces::of(b"picture")).await;
        assert!(matches!(refused, Err(UploadError::Name(_))), "{name:?}");
    }
    assert_eq!((fixture.files.keys().len(), fixture.deletions().await), (0, 0));
}

#[tokio::test]
async fn a_person_with_too_much_unsent_has_to_send_first() {
    let fixture = fixture();
    for _ in 0..2 {
        fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("there is room");
    }
    let refused = fixture.upload("a.webp", Pieces::of(b"picture")).await;
    assert!(matches!(refused, Err(UploadError::TooManyUnsent)));
    assert_eq!(fixture.files.keys().len(), 4);
}

#[tokio::test]
async fn what_is_gone_is_not_there_and_what_is_broken_is_an_error() {
    let fixture = fixture();
    let kept = fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("a good picture");
    fixture.files.set_broken(true);
    let opened = fixture.uploads.open(&kept.id, PictureForm::Full).await;
    assert!(matches!(opened, Err(OpenFileError::Files(_))));
    fixture.store.set_unavailable(true);
    let opened = fixture.uploads.open(&kept.id, PictureForm::Full).await;
    assert!(matches!(opened, Err(OpenFileError::Store(_))));
    fixture.store.set_unavailable(false);
    let nowhere = AttachmentId::parse("nowhere").expect("a good id");
    let opened = fixture.uploads.open(&nowhere, PictureForm::Full).await;
    assert!(opened.expect("the store works").is_none());
}
