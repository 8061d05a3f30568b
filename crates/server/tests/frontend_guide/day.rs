//! What two people do with the chat on an ordinary day, and on a bad one.

use testkit::{Fault, fault::same, test_app::text};

use crate::{fixture::Fixture, screen::Screen};

const HELLO: &str = "Encre Noire : Bonjour";
const HELLO_READ: &str = "Encre Noire : Bonjour ✓";
const ANSWER_READ: &str = "Camille : Samedi ? ✓";
const FOUR: &str = "Encre Noire : 14 h";
const FOUR_READ: &str = "Encre Noire : 14 h ✓";
const AGREED_READ: &str = "Camille : Entendu ✓";
const BYE_READ: &str = "Camille : À samedi ✓";

#[tokio::test]
async fn the_chat_of_the_guide_does_what_the_guide_says() -> Result<(), Fault> {
    // A page that is closed while its session changes from polling to a WebSocket leaves no request open
    // whose end would tell the server; the heartbeat does, within these 8 s.
    let heartbeat = [("REALTIME_PING_INTERVAL_MS", "3000"), ("REALTIME_PING_TIMEOUT_MS", "5000")];
    let mut fixture = Fixture::open(&heartbeat).await?;
    let url = fixture.app.server.url();
    let (here, elsewhere) = (fixture.conversation().await?, fixture.conversation().await?);
    let mut salon = fixture.screen(&fixture.salon, &here, &url).await?;
    salon.says("Hors ligne").await?;
    let mut client = fixture.screen(&fixture.client, &elsewhere, &url).await?;
    salon.says("En ligne").await?;
    client.says("En ligne").await?;

    salon.send("Bonjour").await?;
    salon.lists(&[HELLO]).await?;
    client.counts("(1)").await?;
    client.lists(&[]).await?;
    client.0.go_to(&fixture.page(&fixture.client, &here, &url)?).await?;
    client.lists(&[HELLO_READ]).await?;
    client.counts("").await?;
    salon.lists(&[HELLO_READ]).await?;

    typing(&mut salon, &mut client).await?;
    covered(&mut salon, &mut client).await?;
    crash(&mut fixture, &mut salon, &mut client).await?;
    regret(&fixture, &here, &mut salon, &mut client).await?;
    fixture.guide.is_used_up()?;
    client.is_sound().await?;
    // Leaving the page, coming back to it, and closing it.
    client.0.go_to("about:blank").await?;
    salon.says("Hors ligne").await?;
    client.0.go_back().await?;
    salon.says("En ligne").await?;
    client.lists(&[HELLO_READ, ANSWER_READ, FOUR_READ, AGREED_READ]).await?;
    client.0.close().await?;
    salon.says("Hors ligne").await?;
    salon.is_sound().await
}

async fn typing(salon: &mut Screen, client: &mut Screen) -> Result<(), Fault> {
    client.write("Samedi").await?;
    salon.watches("Camille Martin écrit…").await?;
    // Whoever pauses does not write any more.
    salon.watches("").await?;
    client.send(" ?").await?;
    for screen in [salon, client] {
        screen.lists(&[HELLO_READ, ANSWER_READ]).await?;
        screen.watches("").await?;
        screen.counts("").await?;
    }
    Ok(())
}

/// What arrives while nobody looks is not read.
async fn covered(salon: &mut Screen, client: &mut Screen) -> Result<(), Fault> {
    client.is_covered(true).await?;
    salon.send("14 h").await?;
    client.counts("(1)").await?;
    salon.lists(&[HELLO_READ, ANSWER_READ, FOUR]).await?;
    client.is_covered(false).await?;
    client.counts("").await?;
    salon.lists(&[HELLO_READ, ANSWER_READ, FOUR_READ]).await
}

/// The server dies while somebody writes. What was written outlives even the page.
async fn crash(
    fixture: &mut Fixture,
    salon: &mut Screen,
    client: &mut Screen,
) -> Result<(), Fault> {
    fixture.app.server.kill_9().await?;
    client.send("Entendu").await?;
    client.send("À samedi").await?;
    client.keeps(2).await?;
    client.0.reload().await?;
    client.lists(&[]).await?;
    client.keeps(2).await?;
    fixture.app.server.restart().await?;
    for screen in [&mut *client, &mut *salon] {
        screen.lists(&[HELLO_READ, ANSWER_READ, FOUR_READ, AGREED_READ, BYE_READ]).await?;
    }
    client.keeps(0).await
}

/// The newest message is taken back, by another way than the page.
async fn regret(
    fixture: &Fixture,
    conversation: &str,
    salon: &mut Screen,
    client: &mut Screen,
) -> Result<(), Fault> {
    let rest = fixture.app.rest(&fixture.client)?;
    let path = format!("/messaging/conversations/{conversation}/messages?limit=1");
    let newest = text(&rest.get(&path).await?.expect(200)?["data"][0], "id")?;
    let deleted = rest.delete(&format!("/messaging/messages/{newest}")).await?;
    same("the answer to a deletion", deleted.status, 204)?;
    for screen in [client, salon] {
        screen.lists(&[HELLO_READ, ANSWER_READ, FOUR_READ, AGREED_READ]).await?;
    }
    Ok(())
}
