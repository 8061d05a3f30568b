//! A tunnel on the way of one of the two.

use testkit::{Fault, tunnel::Tunnel};

use crate::fixture::Fixture;

/// The library itself takes up what was cut off.
#[tokio::test]
async fn what_was_said_during_a_cut_is_shown_once() -> Result<(), Fault> {
    ride(&[]).await
}

/// The server does not know the socket any more; the page joins again, and loads anew.
#[tokio::test]
async fn what_was_said_during_a_cut_that_was_too_long_is_shown_once() -> Result<(), Fault> {
    ride(&[("RESUME_EVENTS_MAX", "1")]).await
}

async fn ride(settings: &[(&str, &str)]) -> Result<(), Fault> {
    let fixture = Fixture::open(settings).await?;
    let url = fixture.app.server.url();
    let here = fixture.conversation().await?;
    let tunnel = Tunnel::to(&url).await?;
    let mut salon = fixture.screen(&fixture.salon, &here, &url).await?;
    let mut client = fixture.screen(&fixture.client, &here, &tunnel.url()).await?;
    salon.says("En ligne").await?;
    client.says("En ligne").await?;
    client.send("Un").await?;
    client.lists(&["Camille : Un ✓"]).await?;
    // The event may arrive before the answer, which the page has to have.
    client.keeps(0).await?;

    tunnel.cut();
    client.send("Quatre").await?;
    client.keeps(1).await?;
    salon.send("Deux").await?;
    salon.send("Trois").await?;
    let during = ["Camille : Un ✓", "Encre Noire : Deux", "Encre Noire : Trois"];
    salon.lists(&during).await?;
    client.lists(&["Camille : Un ✓"]).await?;
    tunnel.restore();

    let after =
        ["Camille : Un ✓", "Encre Noire : Deux ✓", "Encre Noire : Trois ✓", "Camille : Quatre ✓"];
    for screen in [&mut client, &mut salon] {
        screen.lists(&after).await?;
        screen.counts("").await?;
    }
    client.keeps(0).await?;
    fixture.guide.is_used_up()?;
    salon.is_sound().await?;
    client.is_sound().await
}
