//! Conversations and messages, for every caller.

use serde_json::json;
use testkit::Fault;

use crate::{
    callers::{Accounts, Fixture},
    table::{LATE, NO_CONVERSATION, NOBODY, OWN, Route, check_table, nothing, route},
};

const NO_MESSAGE: &str = "404 message_not_found";
const NOT_THE_SALON: &str = "403 salon_side_only";

fn conversations(_: &Fixture) -> String {
    "/messaging/conversations".to_owned()
}

fn conversation(fixture: &Fixture) -> String {
    format!("/messaging/conversations/{}", fixture.conversation)
}

fn messages(fixture: &Fixture) -> String {
    format!("{}/messages", conversation(fixture))
}

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
        |fixture| Some(json!({"clientUserId": "client-1", "appointmentId": fixture.appointment})),
        ["201", NOT_THE_SALON, NOT_THE_SALON, "201", NOBODY, LATE],
    ),
    route("C2 list", "GET", conversations, nothing, OWN),
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
        |fixture| format!("{}/archive", conversation(fixture)),
        nothing,
        salon_only("204"),
    ),
    route(
        "C6 mark as read",
        "PATCH",
        |fixture| format!("{}/mark-read", conversation(fixture)),
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
        |fixture| format!("{}/events?after=1", conversation(fixture)),
        nothing,
        participants("200"),
    ),
    route(
        "M3 mark as read",
        "PATCH",
        |fixture| format!("/messaging/messages/{}/read", fixture.of_client),
        nothing,
        ["200", "200", NO_MESSAGE, NO_MESSAGE, NOBODY, LATE],
    ),
    route(
        "M4 delete",
        "DELETE",
        |fixture| format!("/messaging/messages/{}", fixture.of_salon),
        nothing,
        ["204", "403 not_your_message", NO_MESSAGE, NO_MESSAGE, NOBODY, LATE],
    ),
    route(
        "U1 unread total",
        "GET",
        |_| "/messaging/conversations/unread/total".to_owned(),
        nothing,
        OWN,
    ),
    route(
        "U2 unread conversations",
        "GET",
        |_| "/messaging/conversations/unread".to_owned(),
        nothing,
        OWN,
    ),
];

#[tokio::test]
async fn every_route_lets_in_whom_it_must_and_nobody_else() -> Result<(), Fault> {
    check_table(&Accounts::create().await?, &TABLE).await
}
