//! What is there about mail, for every caller: wishes are everybody's own, and the doors for mail programs and
//! for Mailgun open by signatures alone.

use serde_json::json;
use testkit::Fault;

use crate::{
    cast::{CALLERS, Cast, Scene},
    table::{LATE, NO_CONVERSATION, NOBODY, OWN, Path, Route, nothing, play, route},
};

fn preferences(_: &Scene) -> String {
    "/notification-preferences".to_owned()
}

fn mute(_: &Scene) -> String {
    "/notification-preferences/mute".to_owned()
}

/// A link that somebody made up.
fn forged_link(_: &Scene) -> String {
    format!("/mail/unsubscribe?person=client-1&signature={}", "A".repeat(43))
}

/// Whoever they are, it is the same for all.
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
        |scene| Some(json!({"conversationId": scene.conversation})),
        ["201", "201", NO_CONVERSATION, NO_CONVERSATION, NOBODY, LATE],
    ),
    // Taking back what never was is fine, and tells nothing of whose conversation it is.
    route(
        "P4 unmute",
        "DELETE",
        |scene| format!("{}/{}", mute(scene), scene.conversation),
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
    let cast = Cast::assemble().await?;
    for caller in CALLERS {
        // The first time somebody asks, the usual is noted.
        cast.rest(caller)?.get(&preferences(&cast.scene().await?)).await?;
    }
    play(&cast, &TABLE).await
}
