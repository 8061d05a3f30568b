//! What programs of the platform are for, closed to everybody who is a person.

use rig::Fault;
use serde_json::{Value, json};

use crate::{
    cast::{Cast, Scene},
    table::{LATE, NOBODY, Path, Route, nothing, play, route},
};

const FORBIDDEN: &str = "403 forbidden";

const fn closed(
    name: &'static str,
    method: &'static str,
    path: Path,
    body: fn(&Scene) -> Option<Value>,
) -> Route {
    let answers = [FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, NOBODY, LATE];
    route(name, method, path, body, answers)
}

fn everybody(_: &Scene) -> String {
    "/internal/retention".to_owned()
}

fn salon(_: &Scene) -> String {
    "/internal/retention/salons/salon-1".to_owned()
}

fn hold(scene: &Scene) -> String {
    format!("/internal/retention/holds/{}", scene.conversation)
}

fn client(_: &Scene) -> String {
    "/internal/participants/client-1".to_owned()
}

const TABLE: [Route; 10] = [
    closed("retention", "GET", everybody, nothing),
    closed("set retention", "PUT", everybody, |_| Some(json!({"archiveAfterDays": 1}))),
    closed("a salon's retention", "GET", salon, nothing),
    closed("set a salon's retention", "PUT", salon, |_| Some(json!({"legalHold": true}))),
    closed("drop a salon's retention", "DELETE", salon, nothing),
    closed("hold", "PUT", hold, nothing),
    closed("release", "DELETE", hold, nothing),
    closed("enter", "PUT", client, |_| Some(json!({"role": "client"}))),
    closed("erase", "DELETE", client, nothing),
    closed("receipt", "GET", |_| "/internal/erasures/client-1".to_owned(), nothing),
];

#[tokio::test]
async fn what_programs_may_do_no_person_may() -> Result<(), Fault> {
    play(&Cast::assemble().await?, &TABLE).await
}
