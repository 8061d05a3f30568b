//! A report that can never be handled ends where the operator sees it, and gets another chance from
//! there.

use serde_json::json;
use testkit::{
    Fault,
    appointment::{Report, register},
    database,
    fault::same,
    operator::Operator,
    person::Person,
    test_app::TestApp,
    wait,
};

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, conversations, service};

#[tokio::test]
async fn a_dead_letter_is_listed_with_its_reason_and_tried_again() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    let operator = Operator::of(&app, SERVER);
    register(&app, SALON, &json!({ "role": "user_salon", "salonName": "Encre Noire" })).await?;
    register(&app, CLIENT, &json!({ "role": "admin" })).await?;
    let report = Report::new("booked", &database::id("appointment"), SALON, CLIENT);
    report.send(&service(&app)?).await?.expect(202)?;

    let listed = wait::until("a dead letter", async || {
        let listed = operator.run(&["jobs", "list", "--dead"]).await?;
        Ok(listed.contains("1 dead").then_some(listed))
    })
    .await?;
    for word in ["handle_appointment_event", "dead since", "not_a_client"] {
        assert!(listed.contains(word), "{word} is not in {listed}");
    }

    register(&app, CLIENT, &json!({ "role": "client", "firstName": "Camille" })).await?;
    let retried = operator.run(&["jobs", "retry", "--all"]).await?;
    same("what is tried again", retried.as_str(), "1 tried again\n")?;
    all_handled(&app).await?;
    let client = app.rest(&Person::new(CLIENT, "client"))?;
    same("conversations", conversations(&client).await?.len(), 1)?;
    let left = operator.run(&["jobs", "list", "--dead"]).await?;
    assert!(left.contains("0 dead"), "{left}");
    Ok(())
}
