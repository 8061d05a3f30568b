use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::http::{internal::tests::ROUTES, openapi::failures};

#[test]
fn the_committed_specification_is_the_one_in_force() {
    let committed = include_str!("../../../../../../docs/openapi-internal.json");
    assert!(
        committed == openapi_internal_json(),
        "docs/openapi-internal.json is stale: run \
         `cargo run -p api --example openapi_internal > docs/openapi-internal.json`"
    );
}

#[test]
fn every_route_is_specified_with_what_can_go_wrong() {
    let specification: Value = serde_json::from_str(&openapi_internal_json()).expect("it is JSON");
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
fn people_s_front_ends_are_not_told_of_it() {
    assert!(!crate::openapi_json().contains("/internal"));
}
