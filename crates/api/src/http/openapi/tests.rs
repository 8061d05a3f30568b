use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::http::tests::ROUTES;

fn specification() -> Value {
    serde_json::from_str(&openapi_json()).expect("it is JSON")
}

#[test]
fn the_committed_specification_is_the_one_in_force() {
    let committed = include_str!("../../../../../docs/openapi.json");
    assert!(
        committed == openapi_json(),
        "docs/openapi.json is stale: run `cargo run -p api --example openapi > docs/openapi.json`"
    );
}

#[test]
fn every_route_is_specified_with_what_can_go_wrong() {
    let specification = specification();
    let mut specified = BTreeSet::new();
    for (path, item) in specification["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            specified.insert(format!("{} {path}", method.to_uppercase()));
            if path.starts_with("/messaging/") {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(failures::of(id).is_some(), "{id} does not say what can go wrong");
                // A signed link needs no token.
                let without_token = ["fetchFile", "fetchExport"].contains(&id);
                for status in ["401", "403", "429", "500", "503"] {
                    let expected = !(without_token && status == "401");
                    let specified = operation["responses"][status].is_object();
                    assert_eq!(specified, expected, "{id} {status}");
                }
            }
        }
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(ToString::to_string).collect();
    let missing: Vec<_> = routes.difference(&specified).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(
        specified.len(),
        routes.len() + 8,
        "the routes, two for links, four of mail, two for health"
    );
}
