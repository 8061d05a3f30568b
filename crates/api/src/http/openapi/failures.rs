use std::collections::BTreeMap;

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, OpenApi, Ref, ResponseBuilder, path::Operation, response::Responses,
    },
};

use crate::code::Code::{
    self, AppointmentNotFound, ClientNotFound, ConversationNotFound, IdempotencyConflict, Internal,
    InvalidCursor, MalformedBody, MalformedRequest, MessageDeleted, MessageNotFound, NotAClient,
    NotYourMessage, OriginNotAllowed, PayloadTooLarge, RateLimited, RequestTimeout, SalonNotFound,
    SalonSideOnly, TokenExpired, Unauthorized, Unavailable, UnsupportedMediaType, ValidationFailed,
};

/// What can go wrong with every request that needs a token.
const ALWAYS: &[Code] =
    &[Unauthorized, TokenExpired, OriginNotAllowed, RateLimited, Internal, Unavailable];
/// What can go wrong with every body.
const WITH_BODY: &[Code] = &[
    ValidationFailed,
    MalformedBody,
    MalformedRequest,
    RequestTimeout,
    PayloadTooLarge,
    UnsupportedMediaType,
];

/// What else can go wrong, by operation.
pub(super) fn of(operation: &str) -> Option<Vec<Code>> {
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
        "sendMessage" => (&[ConversationNotFound, IdempotencyConflict, MessageDeleted], true),
        "listMessages" => (&[ConversationNotFound, ValidationFailed, InvalidCursor], false),
        "listEvents" => (&[ConversationNotFound, ValidationFailed], false),
        "markMessageRead" => (&[MessageNotFound], false),
        "deleteMessage" => (&[MessageNotFound, NotYourMessage], false),
        "countUnread" | "listUnread" => (&[], false),
        _ => return None,
    };
    let body = if with_body { WITH_BODY } else { &[] };
    Some([own, body, ALWAYS].concat())
}

/// Adds the failures of each operation: one response for each status, naming its codes.
pub(super) struct Failures;

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
