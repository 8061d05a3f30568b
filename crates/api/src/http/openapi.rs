//! The specification, made from the handlers.

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
        description = "Conversations between a salon and its clients. Every failure has a `code`; \
            ask for `application/problem+json` to get RFC 9457 in the language of `Accept-Language`.",
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
        (name = "conversations", description = "Conversations between a salon and a client"),
        (name = "messages", description = "Messages of a conversation"),
        (name = "attachments", description = "Picture uploads"),
        (name = "export", description = "A person's own data"),
        (name = "unread", description = "Unread"),
        (name = "preferences", description = "Mail notification preferences"),
        (name = "mail", description = "Inbound mail webhooks and unsubscribe"),
        (name = "health", description = "For operators"),
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
            .description(Some("The platform's token, with the claims `userId` and `role`."))
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

/// The OpenAPI 3.1 specification of the REST interface as JSON, the same text each time.
///
/// # Panics
/// Never: the specification is all texts and numbers, which JSON can hold.
pub fn openapi_json() -> String {
    let specification = openapi().to_pretty_json();
    specification.expect("texts and numbers are JSON") + "\n"
}
