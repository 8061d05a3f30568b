//! The specification of what programs tell, made from the handlers. It is a document of its own:
//! people's front ends have no use for it.

#[cfg(test)]
mod tests;
use utoipa::OpenApi;

use super::{appointments, erasures, participants, retention, schema};
use crate::{
    http::openapi::{Bearer, failures::Failures},
    wire,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Messaging, internal",
        description = "What programs of the platform tell the messaging service: who people are, \
            what happens to bookings, whom to forget, how long things are kept. A token needs the role `service`, an end \
            (`exp`), and this service in its `aud`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        participants::put_one,
        participants::put_many,
        erasures::request,
        erasures::receipt,
        appointments::receive,
        appointments::conversations,
        retention::show,
        retention::put,
        retention::show_salon,
        retention::put_salon,
        retention::drop_salon,
        retention::hold,
        retention::release,
    ),
    components(schemas(schema::Participant, wire::Fault, wire::FaultMessage, wire::Problem)),
    security(("bearer" = [])),
    tags(
        (name = "participants", description = "Who people are"),
        (name = "appointments", description = "What happens to bookings"),
        (name = "retention", description = "How long conversations are kept"),
    ),
    modifiers(&Bearer, &Failures),
)]
struct Specification;

/// The OpenAPI 3.1 specification of the internal interface as JSON, the same text each time.
///
/// # Panics
/// Never: the specification is all texts and numbers, which JSON can hold.
pub fn openapi_internal_json() -> String {
    let specification = Specification::openapi().to_pretty_json();
    specification.expect("texts and numbers are JSON") + "\n"
}
