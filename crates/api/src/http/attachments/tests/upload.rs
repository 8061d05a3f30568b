use actix_web::http::{Method, header};
use domain::jobs::store::{JobFilter, JobStore as _};
use serde_json::{Value, json};

use crate::{
    Settings,
    limits::{self, Rate},
    testing::{
        ATTACHMENTS, Answer, TestApp, file_part, keys, no_limits, part, request, with_form,
        with_form_body,
    },
};

const PICTURE: &[u8] = b"picture of an arm";

async fn upload(test_app: &TestApp, who: &str, parts: &[u8]) -> Answer {
    test_app.ask(with_form(request(Method::POST, ATTACHMENTS, who), parts)).await
}

/// Sends the upload `id` to the conversation at `conversation`.
async fn send(test_app: &TestApp, conversation: &str, who: &str, id: &Value) -> Answer {
    let body = json!({"attachments": [{"attachmentId": id}]});
    test_app.post(&format!("{conversation}/messages"), who, body).await
}

/// Asserts that no files are left, or that a job deletes them.
async fn assert_nothing_is_left(test_app: &TestApp) {
    let jobs = test_app.store.jobs(JobFilter::All, 1_000).await.expect("the store works");
    let scheduled: Vec<_> = jobs.iter().map(|job| job.task.subject().to_owned()).collect();
    for key in test_app.files.keys() {
        assert!(scheduled.iter().any(|subject| subject == key.as_str()), "{key:?} stays");
    }
}

#[actix_web::test]
async fn an_upload_is_answered_to_the_letter() {
    let test_app = TestApp::new().await;
    let answer = upload(&test_app, "c1", &file_part("Léa – bras.webp", PICTURE)).await;
    assert_eq!(answer.status, 201);
    let file = answer.json();
    assert_eq!(
        keys(&file),
        ["fileName", "fileSize", "fileType", "fileUrl", "height", "id", "thumbnailUrl", "width"]
    );
    assert_eq!(file["fileName"], "Léa – bras.webp");
    assert_eq!((&file["fileType"], &file["fileSize"]), (&json!("image/webp"), &json!(17)));
    assert_eq!((&file["width"], &file["height"]), (&json!(640), &json!(480)));
    for (field, form) in [("fileUrl", "full"), ("thumbnailUrl", "thumbnail")] {
        let start = format!("/messaging/files/{}/{form}?", file["id"].as_str().expect("an id"));
        let link = file[field].as_str().expect("a link");
        assert!(link.starts_with(&start), "{link}");
    }
}

#[actix_web::test]
async fn a_name_may_come_as_an_extended_parameter() {
    let test_app = TestApp::new().await;
    let table = [
        ("filename*=UTF-8''L%C3%A9a%20%E2%80%93%20bras.webp", "Léa – bras.webp"),
        ("filename=\"L_a.webp\"; filename*=utf-8'fr'L%C3%A9a.webp", "Léa.webp"),
        ("filename*=utf-8'fr'L%c3%a9a.webp; filename=L_a.webp", "Léa.webp"),
        ("FILENAME*=iso-8859-1''L%E9a.webp", "Léa.webp"),
        ("filename* = \"UTF-8''L%C3%A9a.webp\"", "Léa.webp"),
        // Invalid values are ignored.
        ("filename=\"a.webp\"; filename*=UTF-8''%C3", "a.webp"),
        ("filename=\"a.webp\"; filename*=UTF-8''%4", "a.webp"),
        ("filename=\"a.webp\"; filename*=UTF-8''%zz", "a.webp"),
        ("filename=\"a.webp\"; filename*=KOI8-R''%C1", "a.webp"),
        ("filename=\"a.webp\"; filename*=b.webp", "a.webp"),
        ("filename=\"a.webp\"; filename*=UTF-8''", "a.webp"),
        ("FILENAME=\"a.webp\"", "a.webp"),
        ("FileName=a.webp", "a.webp"),
        ("filename=\"\"; filename*=UTF-8''b.webp", "b.webp"),
        ("filename=\"a\\\"b.webp\"", "a\"b.webp"),
        // Within quotes it is part of the name.
        ("filename=\"a; filename*=UTF-8''b.webp\"", "a; filename*=UTF-8''b.webp"),
        // Normalised like every name.
        ("filename*=UTF-8''a%00b.webp", "ab.webp"),
        ("filename*=UTF-8''a%0D%0A.webp", "a .webp"),
    ];
    for (parameters, name) in table {
        let head = format!("Content-Disposition: form-data; name=\"file\"; {parameters}");
        let answer = upload(&test_app, "c1", &part(&head, PICTURE)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["fileName"]), (201, &json!(name)));
    }
    let test_app = TestApp::new().await;
    for bad in ["..%2F..%2Fetc%2Fa.webp", "C%3A%5Ca.webp", ""] {
        let head = format!("Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''{bad}");
        let refused = upload(&test_app, "c1", &part(&head, PICTURE)).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{bad}");
        assert_nothing_is_left(&test_app).await;
    }
}

#[actix_web::test]
async fn a_name_in_latin_letters_of_one_byte_is_read_as_such() {
    let test_app = TestApp::new().await;
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"L?a \u{e9}.webp\"";
    // One byte is not UTF-8, so the whole name is read as ISO 8859-1.
    let mut form = part(head, PICTURE);
    let at = form.iter().position(|byte| *byte == b'?').expect("it is there");
    form[at] = 0xe9;
    let answer = upload(&test_app, "c1", &form).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["fileName"]),
        (201, &json!("L\u{e9}a \u{c3}\u{a9}.webp"))
    );
}

#[actix_web::test]
async fn an_upload_is_sent_once_by_its_owner_and_seen_by_both() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let id = test_app.upload_picture("c1").await["id"].clone();
    let unknown = (422, "attachment_unknown".to_owned());
    assert_eq!(
        send(&test_app, &conversation, "s1", &id).await.failure(),
        unknown,
        "not the salon's"
    );
    let sent = send(&test_app, &conversation, "c1", &id).await;
    assert_eq!(sent.status, 201);
    assert_eq!(sent.json()["attachments"][0]["id"], id);
    assert_eq!(send(&test_app, &conversation, "c1", &id).await.failure(), unknown, "sent before");
    assert_eq!(send(&test_app, &conversation, "c1", &json!("nothing")).await.failure(), unknown);
    assert_eq!(test_app.messages(&conversation).await, 1);

    let page = test_app.get(&format!("{conversation}/messages"), "s1").await.json();
    let seen = &page["data"][0]["attachments"][0];
    let thumbnail = seen["thumbnailUrl"].as_str().expect("a link");
    assert_eq!(test_app.get(thumbnail, "").await.bytes(), b"p");
    let full = seen["fileUrl"].as_str().expect("a link");
    assert_eq!(test_app.get(full, "").await.bytes(), b"picture of an arm");
}

#[actix_web::test]
async fn what_was_uploaded_here_and_elsewhere_goes_together() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let hosted = json!({
        "fileName": "b.webp", "fileUrl": "https://utfs.io/f/b.webp",
        "fileType": "image/webp", "fileSize": 1,
    });
    let id = test_app.upload_picture("c1").await["id"].clone();
    let body = json!({"attachments": [hosted, {"attachmentId": id}], "clientMessageId": "k1"});
    let path = format!("{conversation}/messages");
    let sent = test_app.post(&path, "c1", body.clone()).await;
    let files = sent.json()["attachments"].clone();
    assert_eq!(files[0]["fileUrl"], "https://utfs.io/f/b.webp");
    assert_eq!((files[0].get("width"), &files[1]["id"]), (None, &id));
    let again = test_app.post(&path, "c1", body).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (201, &sent.json()["id"]));
}

#[actix_web::test]
async fn what_is_no_picture_or_no_form_is_refused_and_nothing_is_left() {
    let test_app = TestApp::new().await;
    let file = |head: &str| part(&format!("Content-Disposition: form-data; {head}"), PICTURE);
    let typed = |kind: &str| {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.webp\"";
        part(&format!("{head}\r\nContent-Type: {kind}"), PICTURE)
    };
    let two = [file_part("a.webp", PICTURE), file_part("b.webp", PICTURE)].concat();
    let long = "x".repeat(256);
    let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("not a picture", file_part("a.webp", b"<svg/>"), 415, "file_type_not_allowed"),
        ("an empty file", file_part("a.webp", b""), 415, "file_type_not_allowed"),
        ("another type than declared", typed("text/html"), 415, "file_type_not_allowed"),
        ("no file", vec![], 400, "validation_failed"),
        ("two files", two, 400, "validation_failed"),
        ("another field", file("name=\"photo\"; filename=\"a.webp\""), 400, "validation_failed"),
        ("no name", file("name=\"file\""), 400, "validation_failed"),
        ("an empty name", file_part("", PICTURE), 400, "validation_failed"),
        ("a path for a name", file_part("../../etc/a.webp", PICTURE), 400, "validation_failed"),
        ("a path of Windows", file_part("C:\\a.webp", PICTURE), 400, "validation_failed"),
        ("a long name", file_part(&long, PICTURE), 400, "validation_failed"),
        ("a control character", file_part("a\u{7f}.webp", PICTURE), 400, "malformed_request"),
    ];
    for (what, parts, status, code) in table {
        let refused = upload(&test_app, "c1", &parts).await;
        assert_eq!(refused.failure(), (status, code.to_owned()), "{what}");
        assert_nothing_is_left(&test_app).await;
    }
}

#[actix_web::test]
async fn a_form_that_breaks_off_is_refused_and_nothing_is_left() {
    let test_app = TestApp::new().await;
    let whole = file_part("a.webp", PICTURE);
    for length in [0, 1, 40, 100, whole.len() - 2, whole.len()] {
        let asked = request(Method::POST, ATTACHMENTS, "c1");
        let refused = test_app.ask(with_form_body(asked, whole[..length].to_vec())).await;
        assert_eq!(refused.failure(), (400, "malformed_request".to_owned()), "{length}");
        assert_nothing_is_left(&test_app).await;
    }
}

#[actix_web::test]
async fn only_a_form_is_read() {
    let test_app = TestApp::new().await;
    let asked = || request(Method::POST, ATTACHMENTS, "c1");
    let unsupported = (415, "unsupported_media_type".to_owned());
    assert_eq!(test_app.ask(asked()).await.failure(), unsupported);
    assert_eq!(test_app.ask(asked().set_json(json!({}))).await.failure(), unsupported);
    for kind in ["multipart/form-data", "multipart/mixed; boundary=b", "image/webp", "x"] {
        let refused = test_app.ask(asked().insert_header((header::CONTENT_TYPE, kind))).await;
        assert_eq!(refused.failure(), unsupported, "{kind}");
    }
    let packed = with_form(asked(), &file_part("a.webp", PICTURE))
        .insert_header((header::CONTENT_ENCODING, "gzip"));
    assert_eq!(test_app.ask(packed).await.failure(), unsupported);
}

#[actix_web::test]
async fn a_file_may_be_as_large_as_promised_and_no_larger() {
    let test_app = TestApp::new().await;
    let large = |bytes: usize| [b"picture".as_slice(), &vec![b'x'; bytes - 7]].concat();
    let good = upload(&test_app, "c1", &file_part("a.webp", &large(10_485_760))).await;
    assert_eq!(good.status, 201);
    let too_large = (413, "file_too_large".to_owned());
    let refused = upload(&test_app, "c2", &file_part("a.webp", &large(10_485_761))).await;
    assert_eq!(refused.failure(), too_large);
    let refused = upload(&test_app, "c2", &file_part("a.webp", &large(11_000_000))).await;
    assert_eq!(refused.failure(), too_large);
    let announced = with_form(request(Method::POST, ATTACHMENTS, "c2"), &file_part("a", PICTURE));
    let announced = announced.insert_header((header::CONTENT_LENGTH, 104_857_600));
    let refused = test_app.ask(announced).await;
    assert_eq!(refused.failure(), too_large, "it is refused unread");
}

#[actix_web::test]
async fn while_files_cannot_be_stored_uploads_are_unavailable_and_nothing_is_left() {
    let test_app = TestApp::new().await;
    test_app.files.set_broken(true);
    let refused = upload(&test_app, "c1", &file_part("a.webp", PICTURE)).await;
    assert_eq!(refused.failure(), (503, "unavailable".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_nothing_is_left(&test_app).await;
}

#[actix_web::test]
async fn uploads_are_limited_per_person() {
    let test_app = TestApp::new().await;
    for _ in 0..20 {
        test_app.upload_picture("c1").await;
    }
    let refused = upload(&test_app, "c1", &file_part("a.webp", PICTURE)).await;
    assert_eq!(refused.failure(), (429, "too_many_uploads".to_owned()));
    test_app.upload_picture("c2").await;

    let limits = limits::Settings { uploads_per_person: Some(Rate::new(1, 1)), ..no_limits() };
    let test_app = TestApp::with(Settings { limits, ..Settings::default() }).await;
    test_app.upload_picture("c1").await;
    let refused = upload(&test_app, "c1", &file_part("a.webp", PICTURE)).await;
    assert_eq!(refused.failure(), (429, "rate_limited".to_owned()));
}
