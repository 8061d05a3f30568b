#[cfg(test)]
mod tests;
use domain::{
    conversation::message::{Draft, DraftError, MessageKind},
    text::{Content, TextError},
};

use super::{
    attachment,
    fields::{Field, Fields, ValidationErrors},
    key::key,
};
use crate::{error::Failure, texts};

/// Reads the message in the body of a REST request. `header_key` is its `Idempotency-Key`.
///
/// # Errors
/// A validation failure with every reason.
pub fn draft(fields: &Fields, header_key: Option<&str>) -> Result<Draft, Failure> {
    let mut reasons = ValidationErrors::default();
    check_conversation(fields, &mut reasons);
    let content = content(fields, &mut reasons);
    let kind = kind(fields, &mut reasons);
    assemble(fields, header_key, content, kind, reasons)
}

/// Reads the message in a socket event. Sockets always send texts: a `type` is ignored.
///
/// # Errors
/// A validation failure with every reason.
pub fn socket_draft(fields: &Fields) -> Result<Draft, Failure> {
    let mut reasons = ValidationErrors::default();
    let content = content(fields, &mut reasons);
    assemble(fields, None, content, Some(MessageKind::Text), reasons)
}

fn assemble(
    fields: &Fields,
    header_key: Option<&str>,
    content: Option<Content>,
    kind: Option<MessageKind>,
    mut reasons: ValidationErrors,
) -> Result<Draft, Failure> {
    let files = attachment::attachments(fields, &mut reasons);
    let key = key(fields, header_key, &mut reasons);
    let (content, kind) = reasons.unless_any(content.zip(kind))?;
    Draft::new(kind, content, files, key).map_err(|error| {
        Failure::validation(vec![match error {
            DraftError::Empty => texts::CONTENT_EMPTY,
            DraftError::TooManyAttachments => texts::ATTACHMENTS_TOO_MANY,
            DraftError::SameUploadTwice => texts::ATTACHMENT_TWICE,
        }])
    })
}

/// The path says which conversation, so the body need not; what it says there is only checked.
fn check_conversation(fields: &Fields, reasons: &mut ValidationErrors) {
    match Field::of(fields, "conversationId") {
        Field::Text("") => reasons.add(texts::CONVERSATION_REQUIRED),
        Field::Else => reasons.add(texts::CONVERSATION_STRING),
        Field::Nothing | Field::Text(_) => {}
    }
}

fn content(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Content> {
    let given = Field::of(fields, "content");
    if given.is_empty() && attachment::are_given(fields) {
        return Some(Content::default());
    }
    match given {
        Field::Text(text) => {
            let content = reasons.note(Content::parse(text), |error| match error {
                TextError::TooLong => texts::content_too_long(),
                TextError::Empty | TextError::TooShort => texts::CONTENT_EMPTY,
            })?;
            if !content.is_empty() || attachment::are_given(fields) {
                return Some(content);
            }
            reasons.add_all([texts::CONTENT_TOO_SHORT, texts::CONTENT_EMPTY]);
        }
        Field::Nothing => {
            reasons.add_all([
                texts::CONTENT_TOO_SHORT,
                texts::CONTENT_EMPTY,
                texts::CONTENT_STRING,
            ]);
        }
        Field::Else => reasons.add_all([texts::CONTENT_TOO_SHORT, texts::CONTENT_STRING]),
    }
    None
}

fn kind(fields: &Fields, reasons: &mut ValidationErrors) -> Option<MessageKind> {
    let kind = match Field::of(fields, "type") {
        Field::Nothing => Some(MessageKind::Text),
        Field::Text(word) => MessageKind::parse(word),
        Field::Else => None,
    };
    reasons.note(kind.ok_or(()), |()| texts::TYPE_WORDS)
}
