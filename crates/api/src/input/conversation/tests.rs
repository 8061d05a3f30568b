//! What the old service said to each body, and what we add.

use serde_json::json;

use super::*;
use crate::texts::Language;

fn fields(body: Value) -> Fields {
    let Value::Object(fields) = body else { panic!("an object was expected") };
    fields
}

fn reasons<T: std::fmt::Debug>(read: Result<T, Failure>) -> Vec<String> {
    let failure = read.expect_err("not acceptable");
    assert_eq!(failure.code(), Code::ValidationFailed);
    failure.messages(Language::French).into_iter().map(str::to_owned).collect()
}

#[test]
fn each_reason_against_a_new_conversation_is_given_as_callers_know_it() {
    const NEEDED: &str = "Le client est obligatoire";
    const CLIENT: &str = "clientUserId must be a string";
    const SUBJECT: &str = "Le sujet doit contenir au moins 3 caractères";
    const FIRST: &str = "Le message ne peut pas être vide";
    let table: Vec<(Value, Vec<&str>)> = vec![
        (json!({}), vec![NEEDED, CLIENT]),
        (json!({"clientUserId": null}), vec![NEEDED, CLIENT]),
        (json!({"clientUserId": ""}), vec![NEEDED]),
        (json!({"clientUserId": 1}), vec![CLIENT]),
        (json!({"clientUserId": "c", "appointmentId": 1}), vec!["appointmentId must be a string"]),
        (json!({"clientUserId": "c", "subject": "ab"}), vec![SUBJECT]),
        (json!({"clientUserId": "c", "subject": 1}), vec![SUBJECT, "subject must be a string"]),
        (
            json!({"clientUserId": "c", "subject": "x".repeat(201)}),
            vec!["Le sujet ne doit pas dépasser 200 caractères"],
        ),
        (json!({"clientUserId": "c", "subject": " \u{200b}\n "}), vec![SUBJECT]),
        (json!({"clientUserId": "c", "firstMessage": "\u{200b}"}), vec![FIRST]),
        (json!({"clientUserId": "c", "firstMessage": ""}), vec![FIRST]),
        (
            json!({"clientUserId": "c", "firstMessage": {}}),
            vec![FIRST, "firstMessage must be a string"],
        ),
        (
            json!({"clientUserId": 1, "appointmentId": 1, "subject": "", "firstMessage": ""}),
            vec![CLIENT, "appointmentId must be a string", SUBJECT, FIRST],
        ),
    ];
    for (body, expected) in table {
        assert_eq!(reasons(new_conversation(&fields(body.clone()))), expected, "{body}");
    }
}

#[test]
fn optional_fields_may_be_null_and_unknown_ones_are_dropped() {
    let body = json!({
        "clientUserId": "c1", "appointmentId": null, "subject": null, "firstMessage": null, "x": 1
    });
    let new = new_conversation(&fields(body)).expect("acceptable");
    assert_eq!(new.client.as_str(), "c1");
    assert!(new.appointment.is_none() && new.subject.is_none() && new.first_message.is_none());
    let empty = json!({"clientUserId": "c1", "appointmentId": ""});
    assert!(new_conversation(&fields(empty)).expect("acceptable").appointment.is_none());
}

#[test]
fn an_id_that_nobody_can_have_is_an_unknown_one() {
    let code = |body| new_conversation(&fields(body)).expect_err("unknown").code();
    assert_eq!(code(json!({"clientUserId": "a b"})), Code::ClientNotFound);
    assert_eq!(
        code(json!({"clientUserId": "c", "appointmentId": "a/b"})),
        Code::AppointmentNotFound
    );
}

#[test]
fn a_change_names_what_changes_and_leaves_the_rest() {
    let read = |body| change(&fields(body)).expect("acceptable");
    assert_eq!(read(json!({})), ConversationChange::default());
    assert_eq!(read(json!({"subject": null})).subject, Some(None));
    assert_eq!(read(json!({"subject": ""})).subject, Some(None));
    let subject = read(json!({"subject": "a"})).subject.flatten();
    assert_eq!(subject.expect("set").as_str(), "a");
    assert_eq!(read(json!({"status": "ARCHIVED"})).status, Some(Status::Archived));
    assert_eq!(read(json!({"status": null})).status, None);
}

#[test]
fn each_reason_against_a_change_is_given_as_callers_know_it() {
    const STATUS: &str = "status must be one of the following values: ACTIVE, ARCHIVED";
    let table: Vec<(Value, Vec<&str>)> = vec![
        (json!({"subject": 1}), vec!["subject must be a string"]),
        (json!({"status": "CLOSED"}), vec![STATUS]),
        (json!({"status": 1}), vec![STATUS]),
        (json!({"subject": [], "status": ""}), vec!["subject must be a string", STATUS]),
    ];
    for (body, expected) in table {
        assert_eq!(reasons(change(&fields(body.clone()))), expected, "{body}");
    }
}
