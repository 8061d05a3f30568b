//! The scripted conversation of `cargo xtask dev --once`, against the real server.

use testkit::{
    Fault,
    appointment::booking_service,
    journey::{Target, run},
    person::Person,
    test_app::TestApp,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

#[tokio::test]
async fn the_journey_goes_as_promised_twice_in_a_row() -> Result<(), Fault> {
    let app = TestApp::start(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    app.introduce(&salon).await?;
    app.introduce(&client).await?;
    let target = Target {
        url: app.server.url(),
        salon_token: app.token(&salon)?,
        client_token: app.token(&client)?,
        service_token: app.token(&booking_service())?,
    };
    let mut transcript = Vec::new();
    run(&target, &mut transcript).await?;
    // What the first left behind must not disturb the second.
    run(&target, &mut transcript).await
}
