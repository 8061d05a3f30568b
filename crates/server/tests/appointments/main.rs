//! Bookings that the platform reports become conversations, whatever the network does (D17).

mod dead_letters;
mod live;
mod outage;
mod repeated_reports;
mod texts;

use serde_json::{Value, json};
use testkit::{
    Fault,
    appointment::{booking_service, register},
    rest::Rest,
    test_app::TestApp,
    wait,
};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
pub(crate) const SALON: &str = "salon-1";
pub(crate) const CLIENT: &str = "client-1";
/// So that a test need not wait for a failed job.
pub(crate) const EAGER: [(&str, &str); 5] = [
    // What an outage cuts off comes back when its lease has run out.
    ("JOBS_LEASE_MS", "1000"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "200"),
];

/// The salon and the client of most tests enter the directory.
pub(crate) async fn both_known(app: &TestApp) -> Result<(), Fault> {
    let salon = json!({ "role": "user_salon", "salonName": "Encre Noire" });
    let client = json!({ "role": "client", "firstName": "Camille", "lastName": "Martin" });
    register(app, SALON, &salon).await?;
    register(app, CLIENT, &client).await
}

/// The booking service at the REST interface.
pub(crate) fn service(app: &TestApp) -> Result<Rest, Fault> {
    app.rest(&booking_service())
}

/// Waits until no report waits to be handled.
pub(crate) async fn all_handled(app: &TestApp) -> Result<(), Fault> {
    let client = app.database.client().await?;
    let waiting = "SELECT count(*) FROM messaging.appointment_event WHERE handled_at IS NULL";
    wait::until("every report handled", async || {
        let row = client.query_one(waiting, &[]).await;
        let row = row.map_err(Fault::while_doing("count the reports"))?;
        Ok((row.get::<_, i64>(0) == 0).then_some(()))
    })
    .await
}

/// The conversations that `person` sees, with their messages, oldest first.
pub(crate) async fn conversations(person: &Rest) -> Result<Vec<(Value, Vec<Value>)>, Fault> {
    let mut all = Vec::new();
    for page in 1.. {
        let path = format!("/messaging/conversations?limit=100&page={page}");
        let listed = person.get(&path).await?.expect(200)?;
        let listed = listed["data"].as_array().cloned().unwrap_or_default();
        if listed.is_empty() {
            break;
        }
        for conversation in listed {
            let messages = messages(person, &conversation).await?;
            all.push((conversation, messages));
        }
    }
    Ok(all)
}

async fn messages(person: &Rest, conversation: &Value) -> Result<Vec<Value>, Fault> {
    let id = conversation["id"].as_str().unwrap_or_default();
    let path = format!("/messaging/conversations/{id}/messages?limit=100");
    let page = person.get(&path).await?.expect(200)?;
    let mut messages = page["data"].as_array().cloned().unwrap_or_default();
    messages.reverse();
    Ok(messages)
}
