//! An archive, opened again.

mod memory;

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::Arc,
};

use domain::{
    Uploads,
    conversation::{
        attachment::ObjectKey,
        message::{Draft, DraftFile, MessageKind},
        uploads::UploadSettings,
    },
    ids::UserId,
    participant::Language,
    ports::{Clock, Files},
    privacy::{export::Export, store::Exporter},
    store::Store,
    testing::{
        MemoryStore,
        fixture::{
            CountingIds, MemoryFiles, Pieces, Service, client, content, pictures, text, user,
        },
    },
    time::Zone,
};
use exporter::Archiver;
use zip::ZipArchive;

struct Fixture {
    service: Service,
    files: Arc<MemoryFiles>,
    archiver: Archiver,
    ids: Arc<CountingIds>,
}

fn fixture() -> Fixture {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let files = Arc::new(MemoryFiles::new());
    let archiver = Archiver::new(service.store.clone(), files.clone());
    Fixture { service, files, archiver, ids: Arc::new(CountingIds::new()) }
}

impl Fixture {
    /// What `person` gets, file by file.
    async fn archive(&self, person: &UserId) -> HashMap<String, Vec<u8>> {
        let export = Export {
            person: person.clone(),
            key: ObjectKey::parse("the/archive").expect("good"),
            requested_at: self.service.clock.now(),
            ready: None,
        };
        let size = self.archiver.write(&export).await.expect("everything works");
        let mut bytes = self.files.read(&export.key).await.expect("it works").expect("it is there");
        let mut all = vec![];
        while let Some(piece) = bytes.chunks.next().await.expect("nobody interrupts") {
            all.extend(piece);
        }
        assert_eq!(size, all.len() as u64);
        opened(&all)
    }

    /// A picture of `owner` in the conversation, with words.
    async fn send_picture(&self, id: &domain::ids::ConversationId, owner: &UserId, words: &str) {
        let (store, files) = (self.service.store.clone(), self.files.clone());
        let ids = self.ids.clone();
        let settings = UploadSettings::default();
        let uploads = Uploads::new(store, files, self.service.clock.clone(), ids, settings);
        let mut bytes = Pieces::of(b"picture of an arm");
        let kept = uploads.upload(owner, "mon <bras>.webp", None, &mut bytes).await;
        let file = DraftFile::Uploaded(kept.expect("a good picture").id);
        let draft =
            Draft::new(MessageKind::Image, content(words), vec![file], None).expect("a good draft");
        self.service.messaging.send_message(id, owner, draft).await.expect("they take part");
    }
}

/// Reads a zip file by its directory; what does not agree with its checksum is not read.
fn opened(zip: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a good archive");
    let mut files = HashMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).expect("it is there");
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).expect("it is whole");
        let name = file.name().expect("a good name").into_owned();
        assert_eq!(files.insert(name, bytes), None, "a name is there twice");
    }
    files
}

fn words(files: &HashMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).expect("UTF-8")
}

#[tokio::test]
async fn an_archive_lists_every_message_and_picture() {
    let fixture = fixture();
    let client = user("c1");
    let mut expected = vec![];
    for salon in ["s1", "s2"] {
        let id = fixture.service.open(salon, "c1").await;
        for number in 0..130 {
            let words = format!("message {number} chez {salon} !");
            let author = if number % 2 == 0 { &client } else { &user(salon) };
            let sent = fixture.service.messaging.send_message(&id, author, text(&words)).await;
            sent.expect("they take part");
            expected.push(words);
        }
        fixture.send_picture(&id, &client, "voici").await;
        let sent =
            fixture.service.messaging.send_message(&id, &client, pictures("", 1, None)).await;
        sent.expect("they take part");
    }
    let files = fixture.archive(&client).await;
    let (data, page) = (words(&files, "data.json"), words(&files, "index.html"));
    let data: serde_json::Value = serde_json::from_str(&data).expect("it is JSON");
    let talks = data["conversations"].as_array().expect("a list");
    let said = talks.iter().flat_map(|talk| talk["messages"].as_array().expect("a list"));
    assert_eq!((talks.len(), said.clone().count()), (2, 264));
    let said: Vec<_> = said.filter_map(|message| message["content"].as_str()).collect();
    for words in &expected {
        assert_eq!(page.matches(&format!("<p dir=\"auto\">{words}</p>")).count(), 1, "{words}");
        assert_eq!(said.iter().filter(|said| *said == words).count(), 1, "{words}");
    }
    let kept: Vec<_> = files.keys().filter(|name| name.starts_with("files/")).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    for path in kept {
        assert_eq!(files[path], b"picture of an arm");
        assert!(page.contains(&format!("<img src=\"{path}\"")), "{path}");
    }
    assert_eq!(page.matches("<a href=\"https://").count(), 2, "those with the upload service");
    assert_eq!(data["profile"]["id"], "c1");
}

#[tokio::test]
async fn nothing_in_an_archive_runs_or_is_somebody_else_s() {
    let fixture = fixture();
    let id = fixture.service.open("s1", "c1").await;
    let other = fixture.service.open("s1", "c2").await;
    let (one, two) = (user("c1"), user("c2"));
    let script = text("<script src=//evil.example></script><img onerror=x>");
    fixture.service.messaging.send_message(&id, &one, script).await.expect("they take part");
    fixture.service.messaging.send_message(&other, &two, text("secret")).await.expect("likewise");
    fixture.send_picture(&id, &one, "").await;
    let files = fixture.archive(&one).await;
    let page = words(&files, "index.html");
    assert!(!page.contains("<script") && !page.contains("<img onerror"), "{page}");
    assert!(page.contains("mon &#60;bras&#62;.webp"), "{page}");
    for (name, bytes) in &files {
        assert!(!String::from_utf8_lossy(bytes).contains("secret"), "{name}");
    }
}

#[tokio::test]
async fn a_picture_that_is_not_there_is_said_to_be_missing() {
    let fixture = fixture();
    let id = fixture.service.open("s1", "c1").await;
    fixture.send_picture(&id, &user("c1"), "voici").await;
    for key in fixture.files.keys() {
        fixture.files.delete(&key).await.expect("it works");
    }
    let files = fixture.archive(&user("c1")).await;
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    let page = words(&files, "index.html");
    assert!(page.contains("n’a pas pu être retrouvée") && !page.contains("<img"), "{page}");
    let data: serde_json::Value = serde_json::from_slice(&files["data.json"]).expect("it is JSON");
    let place = &data["conversations"][0]["messages"][0]["files"][0]["place"];
    assert_eq!(*place, serde_json::json!({ "missing": true }), "{data}");
}

#[tokio::test]
async fn who_never_said_anything_gets_an_archive_that_says_so() {
    let fixture = fixture();
    fixture.service.add_participant(&client("c1")).await;
    let files = fixture.archive(&user("c1")).await;
    assert!(words(&files, "index.html").contains("pas encore de conversation"));
    let data: serde_json::Value = serde_json::from_slice(&files["data.json"]).expect("it is JSON");
    assert_eq!(data["conversations"], serde_json::json!([]));
}

#[tokio::test]
async fn a_page_speaks_the_person_s_language_by_their_clock() {
    let fixture = fixture();
    let mut reader = client("c1");
    let id = fixture.service.open("s1", "c1").await;
    let sent = fixture.service.messaging.send_message(&id, &user("c1"), text("Bonjour")).await;
    let sent_at = sent.expect("they take part").message.created_at;
    for (language, zone, title) in [
        (None, None, "Vos messages"),
        (Some(Language::English), Zone::parse("Asia/Tokyo").ok(), "Your messages"),
    ] {
        (reader.profile.language, reader.profile.zone) = (language, zone.clone());
        fixture.service.add_participant(&reader).await;
        let files = fixture.archive(&user("c1")).await;
        let page = words(&files, "index.html");
        let zone = zone.unwrap_or_default();
        let lang = format!("<html lang=\"{}\">", language.unwrap_or_default().as_str());
        for part in [title, zone.as_str(), &lang, &zone.minute(sent_at), &zone.day(sent_at)] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("UTC"), "{page}");
    }
}

#[tokio::test]
async fn what_is_said_later_is_in_no_part() {
    let fixture = fixture();
    let id = fixture.service.open("s1", "c1").await;
    let client = user("c1");
    let export = Export {
        person: client.clone(),
        key: ObjectKey::parse("the/archive").expect("good"),
        requested_at: fixture.service.clock.now(),
        ready: None,
    };
    fixture.service.messaging.send_message(&id, &client, text("trop tard")).await.expect("good");
    fixture.archiver.write(&export).await.expect("everything works");
    let bytes = fixture.files.read(&export.key).await.expect("it works").expect("it is there");
    let mut chunks = bytes.chunks;
    while let Some(piece) = chunks.next().await.expect("nobody interrupts") {
        assert!(!String::from_utf8_lossy(&piece).contains("trop tard"));
    }
}

#[tokio::test]
async fn a_store_that_fails_leaves_no_half_archive() {
    let store = Arc::new(MemoryStore::new());
    let service = Service::over(store.clone());
    service.open("s1", "c1").await;
    let files = Arc::new(MemoryFiles::new());
    let archiver = Archiver::new(store.clone() as Arc<dyn Store>, files.clone());
    let export = Export {
        person: user("c1"),
        key: ObjectKey::parse("the/archive").expect("good"),
        requested_at: service.clock.now(),
        ready: None,
    };
    store.set_unavailable(true);
    let failure = archiver.write(&export).await.expect_err("the store is away");
    assert_eq!((failure.reason(), files.keys()), ("store_failed", vec![]));
    store.set_unavailable(false);
    files.set_broken(true);
    let failure = archiver.write(&export).await.expect_err("no place for bytes");
    assert_eq!(failure.reason(), "files_failed");
}
