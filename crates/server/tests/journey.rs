//! The scripted conversation of `cargo xtask dev --once`, against the real server.

use testkit::{
    Fault,
    appointment::booking_service,
    journey::{Cast, run},
    person::Person,
    stage::Stage,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

#[tokio::test]
async fn the_journey_goes_as_promised_twice_in_a_row() -> Result<(), Fault> {
    let stage = Stage::set(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    stage.introduce(&salon).await?;
    stage.introduce(&client).await?;
    let cast = Cast {
        url: stage.server.url(),
        salon_token: stage.token(&salon)?,
        client_token: stage.token(&client)?,
        service_token: stage.token(&booking_service())?,
    };
    let mut transcript = Vec::new();
    run(&cast, &mut transcript).await?;
    // What the first left behind must not disturb the second.
    run(&cast, &mut transcript).await
}
