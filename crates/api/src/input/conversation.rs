use domain::{
    conversation::{
        Status,
        commands::{ConversationChange, NewConversation},
    },
    ids::{AppointmentId, UserId},
    text::{Content, Subject, TextError},
};
use serde_json::Value;

use super::fields::{Field, Fields, ValidationErrors};
use crate::{
    error::{Code, Failure},
    texts::{self, Text},
};

/// Parses a new conversation.
///
/// # Errors
/// A validation failure with every error; for an impossible id the same failure as for an unknown one.
pub fn new_conversation(fields: &Fields) -> Result<NewConversation, Failure> {
    let mut reasons = ValidationErrors::default();
    let client = client(fields, &mut reasons);
    let appointment = appointment(fields, &mut reasons);
    let subject = new_subject(fields, &mut reasons);
    let first_message = first_message(fields, &mut reasons);
    let client = reasons.into_result(client)?;
    let appointment = appointment.map(AppointmentId::parse).transpose();
    Ok(NewConversation {
        client: UserId::parse(client)
            .map_err(|_| Failure::new(Code::ClientNotFound, texts::CLIENT_NOT_FOUND))?,
        appointment: appointment
            .map_err(|_| Failure::new(Code::AppointmentNotFound, texts::APPOINTMENT_NOT_FOUND))?,
        subject,
        first_message,
    })
}

/// Parses a change of a conversation.
///
/// # Errors
/// A validation failure with every error.
pub fn change(fields: &Fields) -> Result<ConversationChange, Failure> {
    let mut reasons = ValidationErrors::default();
    let subject = changed_subject(fields, &mut reasons);
    let status = match Field::of(fields, "status") {
        Field::Nothing => None,
        Field::Text(word) => reasons.note(Status::parse(word).ok_or(()), |()| texts::STATUS_WORDS),
        Field::Else => {
            reasons.add(texts::STATUS_WORDS);
            None
        }
    };
    reasons.into_result(Some(ConversationChange { subject, status }))
}

fn client<'a>(fields: &'a Fields, reasons: &mut ValidationErrors) -> Option<&'a str> {
    match Field::of(fields, "clientUserId") {
        Field::Text("") => reasons.add(texts::CLIENT_REQUIRED),
        Field::Text(client) => return Some(client),
        Field::Nothing => reasons.add_all([texts::CLIENT_REQUIRED, texts::CLIENT_STRING]),
        Field::Else => reasons.add(texts::CLIENT_STRING),
    }
    None
}

/// Front ends send an empty string for no appointment.
fn appointment<'a>(fields: &'a Fields, reasons: &mut ValidationErrors) -> Option<&'a str> {
    match Field::of(fields, "appointmentId") {
        Field::Nothing | Field::Text("") => None,
        Field::Text(appointment) => Some(appointment),
        Field::Else => {
            reasons.add(texts::APPOINTMENT_STRING);
            None
        }
    }
}

fn new_subject(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Subject> {
    match Field::of(fields, "subject") {
        Field::Nothing => None,
        Field::Text(subject) => reasons.note(Subject::open(subject), subject_reason),
        Field::Else => {
            reasons.add_all([texts::SUBJECT_TOO_SHORT, texts::SUBJECT_STRING]);
            None
        }
    }
}

/// The outer `None` leaves the subject unchanged, the inner one removes it.
#[expect(clippy::option_option, reason = "the shape of `ConversationChange::subject`")]
fn changed_subject(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Option<Subject>> {
    match fields.get("subject")? {
        Value::Null => Some(None),
        Value::String(subject) => reasons.note(Subject::edit(subject), subject_reason),
        _ => {
            reasons.add(texts::SUBJECT_STRING);
            None
        }
    }
}

fn subject_reason(error: TextError) -> Text {
    match error {
        TextError::Empty | TextError::TooShort => texts::SUBJECT_TOO_SHORT,
        TextError::TooLong => texts::subject_too_long(),
    }
}

fn first_message(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Content> {
    match Field::of(fields, "firstMessage") {
        Field::Nothing => None,
        Field::Text(text) => {
            let content = Content::parse(text).and_then(|content| {
                if content.is_empty() { Err(TextError::Empty) } else { Ok(content) }
            });
            reasons.note(content, |error| match error {
                TextError::Empty | TextError::TooShort => texts::FIRST_MESSAGE_EMPTY,
                TextError::TooLong => texts::content_too_long(),
            })
        }
        Field::Else => {
            reasons.add_all([texts::FIRST_MESSAGE_EMPTY, texts::FIRST_MESSAGE_STRING]);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    //! The validation errors of the old service for each body, and the additional ones.

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
            (
                json!({"clientUserId": "c", "appointmentId": 1}),
                vec!["appointmentId must be a string"],
            ),
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
    fn an_impossible_id_is_reported_as_unknown() {
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
}
