use domain::{
    conversation::{
        attachment::{
            ATTACHMENTS_MAX, FILE_MAX_BYTES, File, FileError, FileUrl, MediaType, check_upload_key,
            tidied_name,
        },
        message::{Draft, DraftError, DraftFile, MessageKind},
    },
    ids::{AttachmentId, ClientMessageId},
    text::{Content, TextError},
};
use serde_json::Value;

use super::fields::{Field, Fields, ValidationErrors};
use crate::{error::Failure, texts};

#[cfg(test)]
mod tests;

const LIST: &str = "attachments";

/// Parses a new message in the body of a REST request. `header_key` is the `Idempotency-Key`.
///
/// # Errors
/// A validation failure with every error.
pub fn draft(fields: &Fields, header_key: Option<&str>) -> Result<Draft, Failure> {
    let mut reasons = ValidationErrors::default();
    check_conversation(fields, &mut reasons);
    let content = content(fields, &mut reasons);
    let kind = kind(fields, &mut reasons);
    assemble(fields, header_key, content, kind, reasons)
}

/// Parses a new message in a socket event. Its type is always `TEXT`; a `type` field is ignored.
///
/// # Errors
/// A validation failure with every error.
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
    let files = attachments(fields, &mut reasons);
    let key = key(fields, header_key, &mut reasons);
    let (content, kind) = reasons.into_result(content.zip(kind))?;
    Draft::new(kind, content, files, key).map_err(|error| {
        Failure::validation(vec![match error {
            DraftError::Empty => texts::CONTENT_EMPTY,
            DraftError::TooManyAttachments => texts::ATTACHMENTS_TOO_MANY,
            DraftError::SameUploadTwice => texts::ATTACHMENT_TWICE,
        }])
    })
}

/// The path names the conversation; a `conversationId` in the body is only validated.
fn check_conversation(fields: &Fields, reasons: &mut ValidationErrors) {
    match Field::of(fields, "conversationId") {
        Field::Text("") => reasons.add(texts::CONVERSATION_REQUIRED),
        Field::Else => reasons.add(texts::CONVERSATION_STRING),
        Field::Nothing | Field::Text(_) => {}
    }
}

fn content(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Content> {
    let given = Field::of(fields, "content");
    if given.is_empty() && has_attachments(fields) {
        return Some(Content::default());
    }
    match given {
        Field::Text(text) => {
            let content = reasons.note(Content::parse(text), |error| match error {
                TextError::TooLong => texts::content_too_long(),
                TextError::Empty | TextError::TooShort => texts::CONTENT_EMPTY,
            })?;
            if !content.is_empty() || has_attachments(fields) {
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

/// The idempotency key from the body or the `Idempotency-Key` header; if both are given they must be
/// equal.
fn key(
    fields: &Fields,
    header: Option<&str>,
    reasons: &mut ValidationErrors,
) -> Option<ClientMessageId> {
    let field = match Field::of(fields, "clientMessageId") {
        Field::Nothing => None,
        Field::Text(text) => Some(text),
        Field::Else => {
            reasons.add(texts::KEY_INVALID);
            return None;
        }
    };
    if let (Some(field), Some(header)) = (field, header)
        && field != header
    {
        reasons.add(texts::KEYS_DIFFER);
        return None;
    }
    let key = field.or(header)?;
    reasons.note(ClientMessageId::parse(key), |_| texts::KEY_INVALID)
}

/// Whether there are attachments, valid or not.
fn has_attachments(fields: &Fields) -> bool {
    fields.get(LIST).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Parses the attachments of a message.
fn attachments(fields: &Fields, reasons: &mut ValidationErrors) -> Vec<DraftFile> {
    let list = match fields.get(LIST) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => {
            reasons.add_all([texts::ATTACHMENTS_TOO_MANY, texts::ATTACHMENTS_ARRAY]);
            if !other.is_object() {
                reasons.add(texts::ATTACHMENTS_OBJECTS);
            }
            return Vec::new();
        }
    };
    if list.len() > ATTACHMENTS_MAX {
        reasons.add(texts::ATTACHMENTS_TOO_MANY);
        return Vec::new();
    }
    if !list.iter().all(Value::is_object) {
        reasons.add(texts::ATTACHMENTS_OBJECTS);
    }
    let objects =
        list.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_object()?)));
    objects
        .filter_map(|(index, fields)| {
            let mut found = ValidationErrors::default();
            let file = file(fields, &mut found);
            reasons.add_item(LIST, index, found);
            file
        })
        .collect()
}

/// A file uploaded to this service is referenced by its id, and other fields are ignored; a file of the
/// external upload service is described by its fields.
fn file(fields: &Fields, reasons: &mut ValidationErrors) -> Option<DraftFile> {
    match Field::of(fields, "attachmentId") {
        Field::Nothing => hosted(fields, reasons).map(DraftFile::Hosted),
        Field::Text(id) => {
            let id = AttachmentId::parse(id);
            reasons.note(id, |_| texts::ATTACHMENT_ID).map(DraftFile::Uploaded)
        }
        Field::Else => {
            reasons.add(texts::ATTACHMENT_ID);
            None
        }
    }
}

fn hosted(fields: &Fields, reasons: &mut ValidationErrors) -> Option<File> {
    let name = name(fields, reasons);
    let url = url(fields, reasons);
    let media_type = media_type(fields, reasons);
    let size = size(fields.get("fileSize"), reasons);
    let key = upload_key(fields, reasons);
    let file = File::hosted(&name?, url?, media_type?, size?, key.map(str::to_owned));
    reasons.note(file, text_of)
}

/// Converts an error of the domain. All fields were validated before, so it occurs only if the domain adds a rule.
fn text_of(error: FileError) -> texts::Text {
    match error {
        FileError::NameMissing => texts::FILE_NAME_REQUIRED,
        FileError::NameInvalid => texts::file_name_invalid(),
        FileError::UrlInvalid => texts::FILE_URL_INVALID,
        FileError::TypeNotAllowed => texts::FILE_TYPE_IMAGES,
        FileError::TooLarge => texts::FILE_TOO_LARGE,
        FileError::SizeInvalid => texts::FILE_SIZE_NUMBER,
        FileError::KeyInvalid => texts::UPLOAD_KEY_INVALID,
    }
}

fn name(fields: &Fields, reasons: &mut ValidationErrors) -> Option<String> {
    match Field::of(fields, "fileName") {
        Field::Text(name) => reasons.note(tidied_name(name), text_of),
        Field::Nothing => {
            reasons.add_all([texts::FILE_NAME_REQUIRED, texts::FILE_NAME_STRING]);
            None
        }
        Field::Else => {
            reasons.add(texts::FILE_NAME_STRING);
            None
        }
    }
}

fn url(fields: &Fields, reasons: &mut ValidationErrors) -> Option<FileUrl> {
    let given = Field::of(fields, "fileUrl");
    if let Field::Text(url) = given
        && let Ok(url) = FileUrl::parse(url)
    {
        return Some(url);
    }
    reasons.add(texts::FILE_URL_INVALID);
    if given.is_empty() {
        reasons.add(texts::FILE_URL_REQUIRED);
    }
    if !matches!(given, Field::Text(_)) {
        reasons.add(texts::FILE_URL_STRING);
    }
    None
}

fn media_type(fields: &Fields, reasons: &mut ValidationErrors) -> Option<MediaType> {
    let given = Field::of(fields, "fileType");
    if let Field::Text(media_type) = given
        && let Ok(media_type) = MediaType::parse(media_type)
    {
        return Some(media_type);
    }
    reasons.add(texts::FILE_TYPE_IMAGES);
    if given.is_empty() {
        reasons.add(texts::FILE_TYPE_REQUIRED);
    }
    if !matches!(given, Field::Text(_)) {
        reasons.add(texts::FILE_TYPE_STRING);
    }
    None
}

fn size(value: Option<&Value>, reasons: &mut ValidationErrors) -> Option<i64> {
    let Some(size) = value.and_then(Value::as_f64) else {
        reasons.add_all([texts::FILE_TOO_LARGE, texts::FILE_SIZE_NUMBER]);
        return None;
    };
    if size > f64::from(FILE_MAX_BYTES) {
        reasons.add(texts::FILE_TOO_LARGE);
        return None;
    }
    if size < 1.0 || size.fract() != 0.0 {
        reasons.add(texts::FILE_SIZE_NUMBER);
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number up to FILE_MAX_BYTES")]
    Some(size as i64)
}

fn upload_key<'a>(fields: &'a Fields, reasons: &mut ValidationErrors) -> Option<&'a str> {
    match Field::of(fields, "uploadThingKey") {
        Field::Nothing => None,
        Field::Text(key) => reasons.note(check_upload_key(Some(key)), text_of).map(|()| key),
        Field::Else => {
            reasons.add(texts::UPLOAD_KEY_STRING);
            None
        }
    }
}
