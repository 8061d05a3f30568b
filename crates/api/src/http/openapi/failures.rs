use std::collections::BTreeMap;

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, OpenApi, Ref, ResponseBuilder, path::Operation, response::Responses,
    },
};

use crate::error::Code::{
    self, AppointmentNotFound, AttachmentNotFound, AttachmentUnknown, ClientNotFound,
    ConversationIdTaken, ConversationNotFound, ErasureNotFound, FileTooLarge, FileTypeNotAllowed,
    FileUnreadable, Forbidden, IdempotencyConflict, Internal, InvalidCursor, LinkExpired,
    MalformedBody, MalformedRequest, MessageDeleted, MessageNotFound, NotAClient, NotYourMessage,
    OriginNotAllowed, ParticipantErased, ParticipantNotFound, PayloadTooLarge, RateLimited,
    ReplyRefused, RequestTimeout, RetentionNotFound, SalonNotFound, SalonSideOnly, TokenExpired,
    TooManyMuted, TooManyPixels, TooManyUploads, Unauthorized, Unavailable, UnsupportedMediaType,
    ValidationFailed, WebhookForged, WebhookReplayed,
};

/// Errors of every request with a token.
const ALWAYS: &[Code] =
    &[Unauthorized, TokenExpired, Forbidden, OriginNotAllowed, RateLimited, Internal, Unavailable];
/// Errors of every request of a program.
const FOR_PROGRAMS: &[Code] =
    &[Unauthorized, TokenExpired, Forbidden, RateLimited, Internal, Unavailable];
/// Errors of every request without a token.
const WITH_LINK: &[Code] = &[OriginNotAllowed, RateLimited, Internal, Unavailable];
/// Errors of every webhook of Mailgun.
const WEBHOOK: &[Code] = &[WebhookForged, WebhookReplayed, RateLimited, Internal, Unavailable];
/// Errors of every request with a JSON body.
const WITH_BODY: &[Code] = &[
    ValidationFailed,
    MalformedBody,
    MalformedRequest,
    RequestTimeout,
    PayloadTooLarge,
    UnsupportedMediaType,
];

/// Errors of an upload.
const UPLOADING: &[Code] = &[
    ValidationFailed,
    MalformedRequest,
    RequestTimeout,
    FileTooLarge,
    FileTypeNotAllowed,
    UnsupportedMediaType,
    FileUnreadable,
    TooManyPixels,
    TooManyUploads,
];

/// The errors of an operation, by its id.
pub(crate) fn of(operation: &str) -> Option<Vec<Code>> {
    match operation {
        "fetchFile" | "fetchExport" => {
            Some([&[AttachmentNotFound, LinkExpired], WITH_LINK].concat())
        }
        "askToUnsubscribe" | "unsubscribe" => Some(vec![RateLimited]),
        "reportMailEvent" => Some([WEBHOOK, WITH_BODY].concat()),
        "receiveMail" => {
            let own = &[ReplyRefused, MalformedRequest, RequestTimeout, UnsupportedMediaType];
            Some([own, WEBHOOK].concat())
        }
        _ => of_program(operation).or_else(|| of_person(operation)),
    }
}

fn of_program(operation: &str) -> Option<Vec<Code>> {
    let (own, with_body): (&[Code], bool) = match operation {
        "putParticipant" | "putParticipants" => (&[ParticipantErased], true),
        "getErasure" => (&[ValidationFailed, ErasureNotFound], false),
        "getRetention" => (&[], false),
        "revokeTokens" | "putRetention" | "putSalonRetention" => (&[], true),
        "getSalonRetention" => (&[ValidationFailed, RetentionNotFound], false),
        "eraseParticipant" | "dropSalonRetention" | "releaseConversation" => {
            (&[ValidationFailed], false)
        }
        "holdConversation" => (&[ValidationFailed, ConversationNotFound], false),
        "reportAppointmentEvent" => (&[IdempotencyConflict, ConversationIdTaken], true),
        "findConversationsOfBookings" => (&[ValidationFailed, MalformedRequest], false),
        _ => return None,
    };
    let body = if with_body { WITH_BODY } else { &[] };
    Some([own, body, FOR_PROGRAMS].concat())
}

fn of_person(operation: &str) -> Option<Vec<Code>> {
    let (own, with_body): (&[Code], bool) = match operation {
        "openConversation" => {
            let own =
                &[SalonSideOnly, ClientNotFound, SalonNotFound, AppointmentNotFound, NotAClient];
            (own, true)
        }
        "listConversations" => (&[ValidationFailed, InvalidCursor], false),
        "getConversation" | "markConversationRead" => (&[ConversationNotFound], false),
        "changeConversation" => (&[ConversationNotFound, SalonSideOnly], true),
        "toggleArchived" | "deleteConversation" => (&[ConversationNotFound, SalonSideOnly], false),
        "sendMessage" => {
            let own =
                &[ConversationNotFound, IdempotencyConflict, MessageDeleted, AttachmentUnknown];
            (own, true)
        }
        "uploadAttachment" => (UPLOADING, false),
        "getAttachment" => (&[AttachmentNotFound], false),
        "exportMyData" => (&[ParticipantErased], false),
        "listMessages" => (&[ConversationNotFound, ValidationFailed, InvalidCursor], false),
        "listEvents" => (&[ConversationNotFound, ValidationFailed], false),
        "markMessageRead" => (&[MessageNotFound], false),
        "deleteMessage" => (&[MessageNotFound, NotYourMessage], false),
        "getPreferences" => (&[ParticipantNotFound], false),
        "changePreferences" | "putPreferences" => (&[ParticipantNotFound], true),
        "muteConversation" => (&[ConversationNotFound, TooManyMuted], true),
        "unmuteConversation" | "countUnread" | "listUnread" => (&[], false),
        _ => return None,
    };
    let body = if with_body { WITH_BODY } else { &[] };
    Some([own, body, ALWAYS].concat())
}

/// Adds the error responses to each operation: one per status, with its codes in the description.
pub(crate) struct Failures;

impl Modify for Failures {
    fn modify(&self, specification: &mut OpenApi) {
        for item in specification.paths.paths.values_mut() {
            let operations =
                [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete, &mut item.put];
            for operation in operations.into_iter().flatten() {
                let codes = operation.operation_id.as_deref().and_then(of);
                add(operation, &codes.unwrap_or_default());
            }
        }
    }
}

fn add(operation: &mut Operation, codes: &[Code]) {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in codes {
        let line = format!("`{}`: {}", code.as_str(), code.english());
        by_status.entry(code.status().as_u16()).or_default().push(line);
    }
    let Responses { responses, .. } = &mut operation.responses;
    for (status, lines) in by_status {
        let content =
            |schema| ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let response = ResponseBuilder::new()
            .description(lines.join(" "))
            .content("application/json", content("Fault"))
            .content("application/problem+json", content("Problem"))
            .build();
        responses.insert(status.to_string(), response.into());
    }
}
