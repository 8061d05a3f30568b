use super::*;
use crate::{
    realtime::commands::{self, EventName},
    testing::TestApp,
};

#[test]
fn the_committed_specification_is_the_one_in_force() {
    let committed = include_str!("../../../../../docs/asyncapi.json");
    assert!(
        committed == asyncapi_json(),
        "docs/asyncapi.json is stale: run `cargo run -p api --example asyncapi > docs/asyncapi.json`"
    );
}

/// The payload that the specification of `command` describes, made of examples for its properties;
/// only what is required, or everything.
fn payload_of(specification: &Value, command: &str, everything: bool) -> Map<String, Value> {
    let schema = &specification["components"]["messages"][format!("command.{command}")]["payload"];
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().expect("an object").keys();
    let named = properties.filter(|key| everything || required.contains(&json!(key)));
    named.map(|key| (key.clone(), example(key))).collect()
}

fn example(property: &str) -> Value {
    match property {
        "conversationId" | "messageId" | "clientMessageId" | "token" => json!("x1"),
        "content" => json!("Bonjour"),
        "visible" => json!(false),
        "afterSeq" => json!(7),
        "conversations" => json!([{ "conversationId": "x1", "afterSeq": 7 }]),
        "attachments" => json!([{
            "fileName": "a.png", "fileUrl": "https://utfs.io/f/a.png", "fileType": "image/png",
            "fileSize": 7,
        }]),
        other => panic!("nobody knows an example of {other}"),
    }
}

#[test]
fn every_command_is_read_as_it_is_specified() {
    let specification = asyncapi();
    for event in EventName::all() {
        let name = event.as_str();
        assert_eq!(specification["operations"][name]["action"], "receive", "{name}");
        for everything in [false, true] {
            let payload = payload_of(&specification, name, everything);
            let read = commands::command(event, &payload.clone().into());
            assert!(read.is_ok(), "{name} {payload:?}");
        }
        let mut required = payload_of(&specification, name, false);
        for key in required.clone().keys() {
            let left_out = required.remove(key).expect("it was there");
            assert!(
                commands::command(event, &required.clone().into()).is_err(),
                "{name} without {key}"
            );
            required.insert(key.clone(), left_out);
        }
    }
}

#[test]
fn authentication_is_specified_with_the_choice_of_recovery() {
    let specification = asyncapi();
    assert_eq!(specification["operations"]["auth"]["action"], "receive");
    let payload = &specification["components"]["messages"]["command.auth"]["payload"];
    assert_eq!(payload["required"], json!(["token"]));
    assert_eq!(payload["properties"]["recovery"]["type"], "boolean");
}

#[test]
fn whatever_is_referred_to_is_there() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let specification = asyncapi();
    let mut found = Vec::new();
    references(&specification, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(specification.pointer(pointer).is_some(), "{reference}");
    }
}

#[actix_web::test]
async fn the_specification_is_served() {
    let served = TestApp::new().await.get("/docs/asyncapi.json", "").await;
    assert_eq!((served.status.as_u16(), served.json()), (200, asyncapi()));
    assert_eq!(served.header("content-type"), Some("application/json"));
}
