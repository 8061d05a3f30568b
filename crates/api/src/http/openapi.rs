//! The OpenAPI specification, generated from the handlers.

pub(super) mod failures;

#[cfg(test)]
pub(super) mod tests;
use std::sync::OnceLock;

use failures::Failures;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    attachments, conversations, export, files, health, messages, preferences, unread, unsubscribe,
    webhooks,
};
use crate::dto;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Messaging",
        description = "Conversations between a salon and its clients. Every error has a `code`; \
            accept `application/problem+json` to get RFC 9457 in the language of `Accept-Language`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        conversations::open,
        conversations::list,
        conversations::show,
        conversations::change,
        conversations::archive,
        conversations::mark_read,
        conversations::delete,
        messages::send,
        messages::list,
        messages::events,
        messages::mark_read,
        messages::delete,
        attachments::upload,
        attachments::show,
        files::fetch,
        export::request,
        export::fetch,
        unread::total,
        unread::list,
        preferences::show,
        preferences::change,
        preferences::put,
        preferences::mute,
        preferences::unmute,
        unsubscribe::ask,
        unsubscribe::end,
        webhooks::events::events,
        webhooks::inbound::inbound,
        health::live,
        health::ready,
    ),
    components(schemas(dto::Fault, dto::FaultMessage, dto::Problem)),
    security(("bearer" = [])),
    tags(
        (name = "conversations", description = "Conversations"),
        (name = "messages", description = "Messages and the event log of a conversation"),
        (name = "attachments", description = "Picture uploads and downloads"),
        (name = "export", description = "Personal data export"),
        (name = "unread", description = "Unread counts"),
        (name = "preferences", description = "E-mail notification preferences"),
        (name = "mail", description = "Inbound mail webhooks and unsubscribe"),
        (name = "health", description = "Health checks"),
    ),
    modifiers(&Bearer, &Failures),
)]
struct Specification;

pub(super) struct Bearer;

impl Modify for Bearer {
    fn modify(&self, specification: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("Token of the platform with the claims `userId` and `role`."))
            .build();
        let components = specification.components.get_or_insert_with(Components::new);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The specification.
pub(super) fn openapi() -> openapi::OpenApi {
    static SPECIFICATION: OnceLock<openapi::OpenApi> = OnceLock::new();
    SPECIFICATION.get_or_init(Specification::openapi).clone()
}

/// The OpenAPI 3.1 specification of the REST API as JSON, always the same text.
///
/// # Panics
/// Never: the specification is representable in JSON.
pub fn openapi_json() -> String {
    let specification = openapi().to_pretty_json();
    specification.expect("texts and numbers are JSON") + "\n"
}
