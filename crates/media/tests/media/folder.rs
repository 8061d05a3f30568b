use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use domain::{
    conversation::attachment::PictureKeys,
    ports::{Files, KeepError},
    testing::fixture::Pieces,
};
use media::{Media, Settings, SettingsError, Storage, testing::phone_photo};

use crate::{
    fixture::{in_folder, kept, key, keys, media, owner, read},
    temp_dir::TempDir,
};

#[tokio::test]
async fn files_are_for_the_service_s_user_alone() {
    let dir = TempDir::new();
    let root = dir.path().join("made/by/us");
    let settings = Settings { storage: Storage::Folder(root.clone()), ..Settings::default() };
    kept(&media(&settings), &phone_photo()).await;
    let mode = |path: &str| {
        let metadata = fs::metadata(root.join(path)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("ab/full"), mode("ab/thumbnail")), (0o600, 0o600));
    assert_eq!((mode(""), mode("ab")), (0o700, 0o700));
}

#[tokio::test]
async fn deleting_twice_is_as_good_as_once() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    kept(&media, &phone_photo()).await;
    for _ in 0..2 {
        media.delete(&keys().full).await.expect("the folder works");
    }
    assert_eq!(read(&media, "ab/full").await, None);
    assert_eq!(dir.files(), ["ab/thumbnail"]);
}

#[tokio::test]
async fn half_a_file_that_a_crash_left_is_not_there_and_goes_with_its_object() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    fs::create_dir(dir.path().join("ab")).expect("ours");
    fs::write(dir.path().join("ab/full.part"), b"half of it").expect("ours");
    assert_eq!(read(&media, "ab/full").await, None);
    media.delete(&keys().full).await.expect("the folder works");
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_picture_whose_second_form_cannot_be_kept_is_taken_back() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    // The second would have to lie in a folder that has the name of the first.
    let keys = PictureKeys { full: key("ab"), thumbnail: key("ab/small") };
    let outcome = media.keep(&owner(), &keys, None, &mut Pieces::of(&phone_photo())).await;
    assert!(matches!(outcome, Err(KeepError::Failed(_))), "{outcome:?}");
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let (files, kept) = (TempDir::new(), TempDir::new());
    let photo = files.path().join("photo.jpg");
    fs::write(&photo, phone_photo()).expect("ours");
    // The shell lets no file grow beyond eight blocks, which writing tells like a full disk.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_media-probe"))
        .args([kept.path(), &photo])
        .arg("image/jpeg")
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("outcome Failed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(kept.files(), Vec::<String>::new());
}

#[test]
fn a_folder_that_cannot_be_used_is_said_at_the_start() {
    let dir = TempDir::new();
    let file = dir.path().join("file");
    fs::write(&file, b"").expect("ours");
    let settings = Settings { storage: Storage::Folder(file.join("below")), ..Settings::default() };
    assert!(matches!(Media::new(&settings), Err(SettingsError::Folder(_))));
}

#[tokio::test]
async fn a_sender_that_stops_leaves_nothing() {
    let dir = TempDir::new();
    let media = media(&in_folder(&dir));
    let outcome =
        media.keep(&owner(), &keys(), None, &mut Pieces::interrupted_after(&phone_photo())).await;
    assert!(matches!(outcome, Err(KeepError::Interrupted(_))), "{outcome:?}");
    assert_eq!(dir.files(), Vec::<String>::new());
}
