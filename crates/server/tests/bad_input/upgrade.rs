//! Upgrades that are none, and frames of the wrong kind.

use serde_json::json;
use testkit::{Fault, fault::same, polling::Polling, socket::packet::Frames};

use crate::{Fixture, bystander::beside};

/// A polling session of somebody who was let in, and a way to see that it lives.
async fn session(fixture: &Fixture) -> Result<Polling, Fault> {
    let session = Polling::open(&fixture.app.server.url()).await?;
    session.enter(&fixture.app.token(&fixture.client)?).await?;
    Ok(session)
}

async fn is_alive(session: &Polling) -> Result<(), Fault> {
    let refused = session.post("42/messaging,7[\"join-conversation\",{}]").await?;
    same("a post", refused.status, 200)?;
    session.wait_for("43/messaging,7[").await.map(drop)
}

#[tokio::test]
async fn a_probe_that_breaks_off_leaves_polling_alive() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let session = session(&fixture).await?;
    let url = fixture.app.server.url();
    let mut probe = Frames::open(&url, Some(&session.sid)).await?;
    probe.say("2probe").await?;
    same("the answer", probe.wait_for_text("3").await?, "3probe".to_owned())?;
    drop(probe);
    is_alive(&session).await
}

#[tokio::test]
async fn a_websocket_that_does_not_probe_is_closed_and_polling_goes_on() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let url = fixture.app.server.url();
    let session = session(&fixture).await?;
    for frame in ["5", "4hello", "2", "2prob", "3probe", "", "x"] {
        let mut intruder = Frames::open(&url, Some(&session.sid)).await?;
        intruder.say(frame).await?;
        let ended = intruder.ended().await;
        ended.map_err(Fault::while_doing(format!("see the end after {frame:?}")))?;
        is_alive(&session).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_websocket_with_an_upgraded_sessions_id_is_closed() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let url = fixture.app.server.url();
    let session = session(&fixture).await?;
    let mut owner = Frames::open(&url, Some(&session.sid)).await?;
    owner.say("2probe").await?;
    owner.wait_for_text("3probe").await?;
    owner.say("5").await?;
    owner.say("42/messaging,1[\"join-conversation\",{}]").await?;
    owner.wait_for_text("43/messaging,1[").await?;

    // Refused at the upgrade, or closed after it.
    if let Ok(mut thief) = Frames::open(&url, Some(&session.sid)).await {
        thief.say("2probe").await.ok();
        thief.ended().await?;
    }
    same("polling with its id", session.get().await?.status, 400)?;
    owner.say("42/messaging,2[\"join-conversation\",{}]").await?;
    owner.wait_for_text("43/messaging,2[").await.map(drop)
}

#[tokio::test]
async fn binary_where_text_belongs_ends_its_own_session_only() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let token = fixture.app.token(&fixture.client)?;
    let announced = "451-/messaging,[\"send-message\",{\"_placeholder\":true,\"num\":0}]";
    beside(
        &fixture,
        Box::pin(async {
            for (announce, then) in [(None, Some("binary")), (Some(announced), None)] {
                let mut frames = Frames::open(&fixture.app.server.url(), None).await?;
                frames.say(&format!("40/messaging,{}", json!({ "token": token }))).await?;
                frames.wait_for_text("40/messaging,").await?;
                if let Some(announce) = announce {
                    frames.say(announce).await?;
                }
                match then {
                    Some(_) => frames.say_bytes(&[4, 50, 51]).await?,
                    None => frames.say("42/messaging,[\"user-typing\",{}]").await?,
                }
                frames.ended().await?;
            }
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn packets_out_of_order_end_their_own_session_only() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let auth = json!({ "token": fixture.app.token(&fixture.client)? });
    let enter = format!("40/messaging,{auth}");
    let stories: [&[&str]; 5] = [
        &["42/messaging,[\"user-typing\",{}]"],
        &["41/messaging,"],
        &["43/messaging,1[]"],
        &[&enter, &enter],
        &[&enter, "41/messaging,", "42/messaging,[\"user-typing\",{}]"],
    ];
    beside(
        &fixture,
        Box::pin(async {
            for story in stories {
                let mut frames = Frames::open(&fixture.app.server.url(), None).await?;
                for frame in story {
                    frames.say(frame).await?;
                }
                frames.ended().await?;
            }
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}
