//! Everything about mail, for every caller: preferences are one's own, and the routes for mail programs and
//! for Mailgun open by signatures alone.

use serde_json::json;
use testkit::Fault;

use crate::{
    callers::{Accounts, CALLERS, Fixture},
    table::{LATE, NO_CONVERSATION, NOBODY, OWN, Path, Route, check_table, nothing, route},
};

fn preferences(_: &Fixture) -> String {
    "/notification-preferences".to_owned()
}

fn mute(_: &Fixture) -> String {
    "/notification-preferences/mute".to_owned()
}

/// A forged link.
fn forged_link(_: &Fixture) -> String {
    format!("/mail/unsubscribe?person=client-1&signature={}", "A".repeat(43))
}

/// The same for every caller.
const fn all(name: &'static str, method: &'static str, path: Path, answer: &'static str) -> Route {
    route(name, method, path, |_| Some(json!({"event-data": {"event": "complained"}})), [answer; 6])
}

const TABLE: [Route; 11] = [
    route("P1 show", "GET", preferences, nothing, OWN),
    route("P2 change", "PATCH", preferences, |_| Some(json!({"emailFrequency": "DAILY"})), OWN),
    route("P2 replace", "PUT", preferences, |_| Some(json!({"emailFrequency": "HOURLY"})), OWN),
    route(
        "P3 mute",
        "POST",
        mute,
        |fixture| Some(json!({"conversationId": fixture.conversation})),
        ["201", "201", NO_CONVERSATION, NO_CONVERSATION, NOBODY, LATE],
    ),
    // Taking back what never was is fine, and tells nothing of whose conversation it is.
    route(
        "P4 unmute",
        "DELETE",
        |fixture| format!("{}/{}", mute(fixture), fixture.conversation),
        nothing,
        OWN,
    ),
    route("unsubscribe, asked", "GET", forged_link, nothing, ["404"; 6]),
    route("unsubscribe", "POST", forged_link, nothing, ["404"; 6]),
    all("webhook event", "POST", |_| "/webhooks/mailgun/events".to_owned(), "403 webhook_forged"),
    all(
        "webhook mail",
        "POST",
        |_| "/webhooks/mailgun/inbound".to_owned(),
        "415 unsupported_media_type",
    ),
    route("kept mails", "GET", |_| "/dev/mails".to_owned(), nothing, ["404 not_found"; 6]),
    route("a kept mail", "GET", |_| "/dev/mails/a.eml".to_owned(), nothing, ["404 not_found"; 6]),
];

#[tokio::test]
async fn wishes_are_one_s_own_and_forged_signatures_open_nothing() -> Result<(), Fault> {
    let accounts = Accounts::create().await?;
    for caller in CALLERS {
        // The first time somebody asks, the usual is noted.
        accounts.rest(caller)?.get(&preferences(&accounts.fixture().await?)).await?;
    }
    check_table(&accounts, &TABLE).await
}
