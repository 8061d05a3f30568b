//! Against a fake of UploadThing: not the service, but its `deleteFiles` call as its own client
//! (version 7.7.4) makes and reads it. Unknown files are no error there, only not counted.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::ports::{Files, FilesError};
use media::{Media, Settings, SettingsError, UploadThing};

use crate::{
    fake_server::{FakeServer, ReceivedRequest},
    fixture::{in_folder, media},
    temp_dir::TempDir,
};

const API_KEY: &str = "sk_live_0123";

fn uploadthing(base_url: &str) -> UploadThing {
    let token = format!(r#"{{"apiKey":"{API_KEY}","appId":"app1","regions":["fra1"]}}"#);
    UploadThing { token: STANDARD.encode(token).into(), base_url: base_url.to_owned() }
}

fn asking(dir: &TempDir, url: &str) -> Media {
    media(&Settings { uploadthing: Some(uploadthing(url)), ..in_folder(dir) })
}

fn as_the_service_does(asked: &ReceivedRequest) -> (u16, String) {
    let is_known = asked.header("x-uploadthing-api-key") == Some(API_KEY)
        && asked.header("x-uploadthing-version").is_some();
    if !is_known {
        return (401, r#"{"error":"Unauthorized"}"#.to_owned());
    }
    let count = u8::from(asked.body == br#"{"fileKeys":["known_1.jpg"]}"#);
    (200, format!(r#"{{"success":true,"deletedCount":{count}}}"#))
}

#[tokio::test]
async fn the_service_is_asked_once_for_the_file_with_our_key() {
    let dir = TempDir::new();
    let server = FakeServer::answering(as_the_service_does).await;
    let media = asking(&dir, &server.url);
    media.delete_hosted("known_1.jpg").await.expect("deleted");
    media.delete_hosted("unknown_2.jpg").await.expect("none is fine");
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].line, "POST /v6/deleteFiles HTTP/1.1\r\n");
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    assert_eq!(asked[1].body, br#"{"fileKeys":["unknown_2.jpg"]}"#);
}

#[tokio::test]
async fn what_may_work_later_is_an_error_and_what_is_gone_is_none() {
    let dir = TempDir::new();
    let cases = [
        (200, r#"{"success":true}"#, true),
        (404, "", true),
        (200, r#"{"success":false}"#, false),
        (200, "<html>", false),
        (302, "", false),
        (401, "", false),
        (429, "", false),
        (500, "", false),
    ];
    for (status, body, is_fine) in cases {
        let server = FakeServer::answering(move |_| (status, body.to_owned())).await;
        let outcome = asking(&dir, &server.url).delete_hosted("k").await;
        assert_eq!(outcome.is_ok(), is_fine, "{status} {body}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let dir = TempDir::new();
    let server =
        FakeServer::answering(|_| (200, " ".repeat(200_000) + r#"{"success":true}"#)).await;
    assert!(asking(&dir, &server.url).delete_hosted("k").await.is_err());
}

#[tokio::test]
async fn without_a_service_to_ask_the_file_is_not_said_to_be_deleted() {
    let dir = TempDir::new();
    let nobody = media(&in_folder(&dir)).delete_hosted("k").await;
    assert!(matches!(nobody, Err(FilesError::NoUploadService)), "{nobody:?}");
    assert!(asking(&dir, "http://127.0.0.1:1").delete_hosted("k").await.is_err());
}

#[test]
fn the_key_is_sent_to_nobody_without_tls() {
    let dir = TempDir::new();
    for url in ["http://api.uploadthing.com", "ftp://localhost", "localhost", ""] {
        let settings = Settings { uploadthing: Some(uploadthing(url)), ..in_folder(&dir) };
        assert!(matches!(Media::new(&settings), Err(SettingsError::UploadThingAddress)), "{url}");
    }
}

#[test]
fn a_token_that_is_none_is_said_at_the_start() {
    let dir = TempDir::new();
    for token in ["", "sk_live_0123", "e30=", &STANDARD.encode(r#"{"apiKey":""}"#)] {
        let uploadthing = Some(UploadThing::new(token.to_owned().into()));
        let settings = Settings { uploadthing, ..in_folder(&dir) };
        assert!(matches!(Media::new(&settings), Err(SettingsError::UploadThingToken)), "{token}");
    }
}
