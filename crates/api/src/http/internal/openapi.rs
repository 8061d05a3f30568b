//! The OpenAPI specification of the internal API, generated from the handlers. It is a separate document,
//! because front ends do not use this API.

use utoipa::OpenApi;

use super::{appointments, erasures, participants, retention, revocations, schema};
use crate::{
    dto,
    http::openapi::{Bearer, failures::Failures},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Messaging, internal",
        description = "API for programs of the platform: the directory, booking events, erasure and \
            retention. A token needs the role `service`, an expiry (`exp`), and this service in its `aud`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        participants::put_one,
        participants::put_many,
        erasures::request,
        erasures::status,
        revocations::revoke,
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
    components(schemas(schema::Participant, dto::Fault, dto::FaultMessage, dto::Problem)),
    security(("bearer" = [])),
    tags(
        (name = "participants", description = "Directory of people, their erasure, and revocation of their tokens"),
        (name = "appointments", description = "Booking events"),
        (name = "retention", description = "Retention policies and legal holds"),
    ),
    modifiers(&Bearer, &Failures),
)]
struct Specification;

/// The OpenAPI 3.1 specification of the internal API as JSON, always the same text.
///
/// # Panics
/// Never: the specification is representable in JSON.
pub fn openapi_internal_json() -> String {
    let specification = Specification::openapi().to_pretty_json();
    specification.expect("texts and numbers are JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::http::{internal::tests::ROUTES, openapi::failures};

    #[test]
    fn the_committed_specification_is_the_one_in_force() {
        let committed = include_str!("../../../../../docs/openapi-internal.json");
        assert!(
            committed == openapi_internal_json(),
            "docs/openapi-internal.json is stale: run \
         `cargo run -p api --example openapi_internal > docs/openapi-internal.json`"
        );
    }

    #[test]
    fn every_route_is_specified_with_what_can_go_wrong() {
        let specification: Value =
            serde_json::from_str(&openapi_internal_json()).expect("it is JSON");
        let mut specified = BTreeSet::new();
        for (path, item) in specification["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                specified.insert(format!("{} {path}", method.to_uppercase()));
                let id = operation["operationId"].as_str().expect("an id");
                assert!(failures::of(id).is_some(), "{id} does not say what can go wrong");
                for status in ["401", "403", "429", "500", "503"] {
                    assert!(operation["responses"][status].is_object(), "{id} {status}");
                }
            }
        }
        let routes: BTreeSet<_> = ROUTES.iter().map(ToString::to_string).collect();
        assert_eq!(specified, routes);
    }

    #[test]
    fn the_public_specification_does_not_mention_the_internal_api() {
        assert!(!crate::openapi_json().contains("/internal"));
    }
}
