//! Every route for every caller.

use rig::{Fault, fault::same, rest::Answer};
use serde_json::{Value, json};

use crate::cast::{CALLERS, Caller, Cast, SECRET, Scene};

/// One row of the table.
struct Route {
    name: &'static str,
    method: &'static str,
    path: Path,
    body: Body,
    /// Status and, for a refusal, its code; in the order of [`CALLERS`].
    answers: [&'static str; 6],
}

const LATE: &str = "401 token_expired";
const NOBODY: &str = "401 unauthorized";
const NO_CONVERSATION: &str = "404 conversation_not_found";
const NO_MESSAGE: &str = "404 message_not_found";
const NOT_THE_SALON: &str = "403 salon_side_only";

fn conversations(_: &Scene) -> String {
    "/messaging/conversations".to_owned()
}

fn conversation(scene: &Scene) -> String {
    format!("/messaging/conversations/{}", scene.conversation)
}

fn messages(scene: &Scene) -> String {
    format!("{}/messages", conversation(scene))
}

fn nothing(_: &Scene) -> Option<Value> {
    None
}

type Path = fn(&Scene) -> String;
type Body = fn(&Scene) -> Option<Value>;

const fn route(
    name: &'static str,
    method: &'static str,
    path: Path,
    body: Body,
    answers: [&'static str; 6],
) -> Route {
    Route { name, method, path, body, answers }
}

/// For whom every conversation of one's own is there, and no other.
const OWN_LIST: [&str; 6] = ["200", "200", "200", "200", NOBODY, LATE];

const fn participants(success: &'static str) -> [&'static str; 6] {
    [success, success, NO_CONVERSATION, NO_CONVERSATION, NOBODY, LATE]
}

const fn salon_only(success: &'static str) -> [&'static str; 6] {
    [success, NOT_THE_SALON, NO_CONVERSATION, NO_CONVERSATION, NOBODY, LATE]
}

const TABLE: [Route; 15] = [
    // A rival who names the same appointment opens a conversation of its own.
    route(
        "C1 open",
        "POST",
        conversations,
        |scene| Some(json!({"clientUserId": "client-1", "appointmentId": scene.appointment})),
        ["201", NOT_THE_SALON, NOT_THE_SALON, "201", NOBODY, LATE],
    ),
    route("C2 list", "GET", conversations, nothing, OWN_LIST),
    route("C3 show", "GET", conversation, nothing, participants("200")),
    route(
        "C4 subject",
        "PATCH",
        conversation,
        |_| Some(json!({"subject": "Autre sujet"})),
        participants("200"),
    ),
    route(
        "C4 status",
        "PATCH",
        conversation,
        |_| Some(json!({"status": "ARCHIVED"})),
        salon_only("200"),
    ),
    route(
        "C5 archive",
        "PATCH",
        |scene| format!("{}/archive", conversation(scene)),
        nothing,
        salon_only("204"),
    ),
    route(
        "C6 mark as read",
        "PATCH",
        |scene| format!("{}/mark-read", conversation(scene)),
        nothing,
        participants("204"),
    ),
    route("C7 delete", "DELETE", conversation, nothing, salon_only("204")),
    route(
        "M1 send",
        "POST",
        messages,
        |_| Some(json!({"content": "Bonjour"})),
        participants("201"),
    ),
    route("M2 history", "GET", messages, nothing, participants("200")),
    route(
        "M5 events",
        "GET",
        |scene| format!("{}/events?after=1", conversation(scene)),
        nothing,
        participants("200"),
    ),
    route(
        "M3 mark as read",
        "PATCH",
        |scene| format!("/messaging/messages/{}/read", scene.of_client),
        nothing,
        ["200", "200", NO_MESSAGE, NO_MESSAGE, NOBODY, LATE],
    ),
    route(
        "M4 delete",
        "DELETE",
        |scene| format!("/messaging/messages/{}", scene.of_salon),
        nothing,
        ["204", "403 not_your_message", NO_MESSAGE, NO_MESSAGE, NOBODY, LATE],
    ),
    route(
        "U1 unread total",
        "GET",
        |_| "/messaging/conversations/unread/total".to_owned(),
        nothing,
        OWN_LIST,
    ),
    route(
        "U2 unread conversations",
        "GET",
        |_| "/messaging/conversations/unread".to_owned(),
        nothing,
        OWN_LIST,
    ),
];

#[tokio::test]
async fn every_route_lets_in_whom_it_must_and_nobody_else() -> Result<(), Fault> {
    let cast = Cast::assemble().await?;
    for route in &TABLE {
        for (caller, expected) in CALLERS.into_iter().zip(route.answers) {
            let what = format!("{} by {caller:?}", route.name);
            check(&cast, route, caller, expected).await.map_err(Fault::while_doing(what))?;
        }
    }
    Ok(())
}

async fn check(cast: &Cast, route: &Route, caller: Caller, expected: &str) -> Result<(), Fault> {
    let scene = cast.scene().await?;
    let before = cast.stage.database.digest().await?;
    let rest = cast.rest(caller)?;
    let path = (route.path)(&scene);
    let answer = rest.call(route.method, &path, (route.body)(&scene).as_ref()).await?;
    same("the answer", summary(&answer), expected.to_owned())?;
    if !expected.starts_with('2') || route.method == "GET" {
        let after = cast.stage.database.digest().await?;
        same("what is stored", after, before)?;
    }
    if !caller.takes_part() && answer.body.to_string().contains(SECRET) {
        return Err(Fault::new(format!("somebody else's words: {}", answer.body)));
    }
    Ok(())
}

fn summary(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.code()).trim_end().to_owned()
}
