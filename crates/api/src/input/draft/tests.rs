//! The validation errors of the old service for each body, and the additional ones.

use serde_json::json;

use super::*;
use crate::{error::Code, texts::Language};

const SHORT: &str = "Le message doit contenir au moins 1 caractère";
const EMPTY: &str = "Le contenu du message ne peut pas être vide";
const STRING: &str = "content must be a string";
const MANY: &str = "Maximum 5 fichiers par message";
const ARRAY: &str = "attachments must be an array";
const OBJECTS: &str = "each value in nested property attachments must be either object or array";
const KEY: &str = "clientMessageId doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -";

fn file() -> Value {
    json!({
        "fileName": "bras.webp", "fileUrl": "https://utfs.io/f/bras.webp",
        "fileType": "image/webp", "fileSize": 1200
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut file = file();
    file[field] = value;
    file
}

fn fields(body: Value) -> Fields {
    let Value::Object(fields) = body else { panic!("an object was expected") };
    fields
}

fn reasons(body: Value) -> Vec<String> {
    let failure = draft(&fields(body), None).expect_err("not acceptable");
    assert_eq!(failure.code(), Code::ValidationFailed);
    failure.messages(Language::French).into_iter().map(str::to_owned).collect()
}

#[test]
fn each_reason_is_given_in_the_words_and_order_that_callers_know() {
    let long = "x".repeat(10_001);
    let table: Vec<(Value, Vec<&str>)> = vec![
        (json!({}), vec![SHORT, EMPTY, STRING]),
        (json!({"content": null}), vec![SHORT, EMPTY, STRING]),
        (json!({"content": ""}), vec![SHORT, EMPTY]),
        (json!({"content": 5}), vec![SHORT, STRING]),
        (json!({"content": ["x"]}), vec![SHORT, STRING]),
        (json!({"content": long}), vec!["Le message ne doit pas dépasser 10000 caractères"]),
        (json!({"content": " \u{200b}\u{b}"}), vec![SHORT, EMPTY]),
        (json!({"content": "\u{0}", "attachments": []}), vec![SHORT, EMPTY]),
        (json!({"content": "x", "conversationId": ""}), vec!["La conversation est obligatoire"]),
        (json!({"content": "x", "conversationId": 1}), vec!["conversationId must be a string"]),
        (
            json!({"content": "x", "type": "VIDEO"}),
            vec!["type must be one of the following values: TEXT, SYSTEM, IMAGE, FILE"],
        ),
        (json!({"content": "x", "attachments": "a"}), vec![MANY, ARRAY, OBJECTS]),
        (json!({"content": "x", "attachments": {}}), vec![MANY, ARRAY]),
        (json!({"content": "x", "attachments": ["a", null]}), vec![OBJECTS]),
        (json!({"content": "x", "attachments": vec![file(); 6]}), vec![MANY]),
        (json!({"content": "", "attachments": []}), vec![SHORT, EMPTY]),
        (json!({"content": "x", "clientMessageId": "a b"}), vec![KEY]),
        (json!({"content": "x", "clientMessageId": 1}), vec![KEY]),
        (
            json!({"conversationId": 1, "type": 1, "attachments": 1, "clientMessageId": ""}),
            vec![
                "conversationId must be a string",
                SHORT,
                EMPTY,
                STRING,
                "type must be one of the following values: TEXT, SYSTEM, IMAGE, FILE",
                MANY,
                ARRAY,
                OBJECTS,
                KEY,
            ],
        ),
    ];
    for (body, expected) in table {
        assert_eq!(reasons(body.clone()), expected, "{body}");
    }
}

#[test]
fn each_reason_against_a_file_names_the_file() {
    const NAME: &str = "Le nom du fichier est obligatoire";
    const URL: &str = "L'URL du fichier est invalide";
    const URL_NEEDED: &str = "L'URL du fichier est obligatoire";
    const IMAGES: &str = "Seules les images sont autorisées (jpg, png, gif, webp)";
    const LARGE: &str = "Fichier trop volumineux (max 10MB)";
    const SIZE: &str = "fileSize must be a number conforming to the specified constraints";
    let table: Vec<(Value, Vec<&str>)> = vec![
        (
            json!({}),
            vec![
                NAME,
                "fileName must be a string",
                URL,
                URL_NEEDED,
                "fileUrl must be a string",
                IMAGES,
                "Le type de fichier est obligatoire",
                "fileType must be a string",
                LARGE,
                SIZE,
            ],
        ),
        (with("fileName", json!("")), vec![NAME]),
        (with("fileName", json!(1)), vec!["fileName must be a string"]),
        (
            with("fileName", json!("../x")),
            vec!["Le nom du fichier doit contenir au plus 255 caractères, sans / ni \\"],
        ),
        (with("fileUrl", json!("")), vec![URL, URL_NEEDED]),
        (with("fileUrl", json!(1)), vec![URL, "fileUrl must be a string"]),
        (with("fileUrl", json!("https://evil.example/f/x")), vec![URL]),
        (with("fileType", json!("")), vec![IMAGES, "Le type de fichier est obligatoire"]),
        (with("fileType", json!("image/svg+xml")), vec![IMAGES]),
        (with("fileType", json!(1)), vec![IMAGES, "fileType must be a string"]),
        (with("fileSize", json!("5")), vec![LARGE, SIZE]),
        (with("fileSize", json!(10_485_761)), vec![LARGE]),
        (with("fileSize", json!(1e300)), vec![LARGE]),
        (with("fileSize", json!(u64::MAX)), vec![LARGE]),
        (with("fileSize", json!(0)), vec![SIZE]),
        (with("fileSize", json!(-1e300)), vec![SIZE]),
        (with("fileSize", json!(1.5)), vec![SIZE]),
        (with("uploadThingKey", json!(1)), vec!["uploadThingKey must be a string"]),
        (with("uploadThingKey", json!("")), vec!["La clé du fichier est invalide"]),
    ];
    for (bad, expected) in table {
        let expected: Vec<_> =
            expected.iter().map(|text| format!("attachments.1.{text}")).collect();
        let body = json!({"content": "x", "attachments": [file(), bad.clone()]});
        assert_eq!(reasons(body), expected, "{bad}");
    }
}

#[test]
fn a_picture_needs_no_words() {
    for content in [json!(""), Value::Null] {
        let body = fields(json!({"content": content, "attachments": [file()], "type": "IMAGE"}));
        let draft = draft(&body, None).expect("acceptable");
        assert!(draft.content().is_empty());
        assert_eq!((draft.kind(), draft.files().len()), (MessageKind::Image, 1));
    }
}

#[test]
fn a_whole_size_is_a_size_however_it_is_written() {
    let body = fields(json!({"content": "", "attachments": [with("fileSize", json!(1200.0))]}));
    let draft = draft(&body, None).expect("acceptable");
    let [DraftFile::Hosted(file)] = draft.files() else { panic!("one file was described") };
    assert_eq!(file.size_bytes(), 1_200);
}

#[test]
fn a_file_uploaded_here_is_referenced_by_its_id_and_its_other_fields_are_ignored() {
    let named = json!({"attachmentId": "f1", "fileUrl": "javascript:alert(1)", "fileSize": -1});
    let body = fields(json!({"attachments": [named, file()]}));
    let draft = draft(&body, None).expect("acceptable");
    let [DraftFile::Uploaded(id), DraftFile::Hosted(_)] = draft.files() else {
        panic!("one file of each kind was named")
    };
    assert_eq!(id.as_str(), "f1");
    let id = "attachments.0.attachmentId doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -";
    for bad in [json!("../f1"), json!(""), json!(1), json!(["f1"])] {
        assert_eq!(reasons(json!({"attachments": [{"attachmentId": bad}]})), [id]);
    }
    let twice = json!({"attachments": [{"attachmentId": "f1"}, {"attachmentId": "f1"}]});
    assert_eq!(reasons(twice), ["attachmentId est donné deux fois"]);
}

#[test]
fn type_system_becomes_text_and_sockets_always_send_text() {
    let kind = |word| fields(json!({"content": "x", "type": word}));
    assert_eq!(draft(&kind("SYSTEM"), None).expect("acceptable").kind(), MessageKind::Text);
    assert_eq!(draft(&kind("FILE"), None).expect("acceptable").kind(), MessageKind::File);
    assert_eq!(socket_draft(&kind("VIDEO")).expect("acceptable").kind(), MessageKind::Text);
}

#[test]
fn a_key_comes_from_the_body_or_the_header_and_they_must_not_differ() {
    let key = |body: Value, header| {
        draft(&fields(body), header).map(|draft| draft.key().map(ToString::to_string))
    };
    let plain = || json!({"content": "x"});
    let keyed = || json!({"content": "x", "clientMessageId": "k1"});
    assert_eq!(key(plain(), None).expect("good"), None);
    assert_eq!(key(keyed(), None).expect("good").as_deref(), Some("k1"));
    assert_eq!(key(plain(), Some("k2")).expect("good").as_deref(), Some("k2"));
    assert_eq!(key(keyed(), Some("k1")).expect("good").as_deref(), Some("k1"));
    let failure = key(keyed(), Some("k2")).expect_err("they differ");
    assert_eq!(
        failure.message(Language::French),
        "clientMessageId et Idempotency-Key sont différents"
    );
    assert!(key(plain(), Some("é")).is_err());
}

#[test]
fn a_text_is_tidied_and_one_that_is_blank_is_empty_beside_a_picture() {
    let read = |body: Value| socket_draft(&fields(body)).expect("acceptable");
    let words = |body| read(body).content().as_str().to_owned();
    assert_eq!(words(json!({"content": "ligne\u{b}suite"})), "ligne\nsuite");
    assert_eq!(words(json!({"content": "a\u{2}b"})), "ab");
    assert_eq!(words(json!({"content": " \u{200b}", "attachments": [file()]})), "");
    let mut named = file();
    named["fileName"] = json!("mon\u{b}bras\u{202e}.webp");
    let draft = read(json!({"content": "", "attachments": [named]}));
    let [DraftFile::Hosted(file)] = draft.files() else { panic!("one file was described") };
    assert_eq!(file.name(), "mon bras.webp");
}
