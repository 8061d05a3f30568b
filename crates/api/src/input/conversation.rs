#[cfg(test)]
mod tests;
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

/// Reads the conversation that a salon wants to open.
///
/// # Errors
/// A validation failure with every reason; or, for an id that nobody can have, what an unknown one
/// gets.
pub fn new_conversation(fields: &Fields) -> Result<NewConversation, Failure> {
    let mut reasons = ValidationErrors::default();
    let client = client(fields, &mut reasons);
    let appointment = appointment(fields, &mut reasons);
    let subject = new_subject(fields, &mut reasons);
    let first_message = first_message(fields, &mut reasons);
    let client = reasons.unless_any(client)?;
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

/// Reads what a participant wants to change.
///
/// # Errors
/// A validation failure with every reason.
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
    reasons.unless_any(Some(ConversationChange { subject, status }))
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

/// An empty text means no appointment, as it always did.
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

/// The outer `None` leaves the subject as it is, the inner one takes it away.
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
