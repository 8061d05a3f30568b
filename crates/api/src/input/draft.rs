use domain::{
    message::{Draft, DraftError, MessageKind},
    text::{Content, TextError},
};

use super::{
    attachment,
    fields::{Fields, Given, Reasons},
    key::key,
};
use crate::{failure::Failure, texts};

/// Reads the message in the body of a REST request. `header_key` is its `Idempotency-Key`.
///
/// # Errors
/// A validation failure with every reason.
pub fn draft(fields: &Fields, header_key: Option<&str>) -> Result<Draft, Failure> {
    let mut reasons = Reasons::default();
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
    let mut reasons = Reasons::default();
    let content = content(fields, &mut reasons);
    assemble(fields, None, content, Some(MessageKind::Text), reasons)
}

fn assemble(
    fields: &Fields,
    header_key: Option<&str>,
    content: Option<Content>,
    kind: Option<MessageKind>,
    mut reasons: Reasons,
) -> Result<Draft, Failure> {
    let files = attachment::attachments(fields, &mut reasons);
    let key = key(fields, header_key, &mut reasons);
    let (content, kind) = reasons.unless_any(content.zip(kind))?;
    Draft::new(kind, content, files, key).map_err(|error| {
        Failure::validation(vec![match error {
            DraftError::Empty => texts::CONTENT_EMPTY,
            DraftError::TooManyAttachments => texts::ATTACHMENTS_TOO_MANY,
            DraftError::SameUploadTwice => texts::files::ATTACHMENT_TWICE,
        }])
    })
}

/// The path says which conversation, so the body need not; what it says there is only checked.
fn check_conversation(fields: &Fields, reasons: &mut Reasons) {
    match Given::of(fields, "conversationId") {
        Given::Text("") => reasons.add(texts::CONVERSATION_REQUIRED),
        Given::Else => reasons.add(texts::CONVERSATION_STRING),
        Given::Nothing | Given::Text(_) => {}
    }
}

fn content(fields: &Fields, reasons: &mut Reasons) -> Option<Content> {
    let given = Given::of(fields, "content");
    if given.is_empty() && attachment::are_given(fields) {
        return Some(Content::default());
    }
    match given {
        Given::Text(text) => {
            let content = reasons.note(Content::parse(text), |error| match error {
                TextError::TooLong => texts::content_too_long(),
                TextError::Empty | TextError::TooShort => texts::CONTENT_EMPTY,
            })?;
            if !content.is_empty() || attachment::are_given(fields) {
                return Some(content);
            }
            reasons.add_all([texts::CONTENT_TOO_SHORT, texts::CONTENT_EMPTY]);
        }
        Given::Nothing => {
            reasons.add_all([
                texts::CONTENT_TOO_SHORT,
                texts::CONTENT_EMPTY,
                texts::CONTENT_STRING,
            ]);
        }
        Given::Else => reasons.add_all([texts::CONTENT_TOO_SHORT, texts::CONTENT_STRING]),
    }
    None
}

fn kind(fields: &Fields, reasons: &mut Reasons) -> Option<MessageKind> {
    let kind = match Given::of(fields, "type") {
        Given::Nothing => Some(MessageKind::Text),
        Given::Text(word) => MessageKind::parse(word),
        Given::Else => None,
    };
    reasons.note(kind.ok_or(()), |()| texts::TYPE_WORDS)
}

#[cfg(test)]
mod tests;
