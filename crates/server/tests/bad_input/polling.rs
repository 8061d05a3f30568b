//! Long-polling as no client library does it.

use serde_json::json;
use testkit::{Fault, fault::same, polling::Polling, rest::Rest};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{Fixture, bystander::beside};

/// One byte more than a client may post.
const TOO_MANY_BYTES: usize = 1_000_001;

#[tokio::test]
async fn an_unknown_session_id_is_refused_with_the_protocols_code() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let url = fixture.app.server.url();
    let good = Polling::open(&url).await?;
    let long = "a".repeat(4_000);
    for sid in ["nobody", "", "..%2F..%2Fetc", &good.sid[1..], &long] {
        let stranger = Polling::with_sid(&url, sid);
        for answer in [stranger.get().await?, stranger.post("4").await?] {
            same(&format!("status for {sid:.20}"), answer.status, 400)?;
            // Without an id it is a handshake, which is never a POST; else the id is unknown.
            let code = answer.body["code"].as_i64();
            assert!(matches!(code, Some(1 | 2)), "{sid:.20}: {}", answer.body);
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_protocol_is_refused_with_its_code() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let http = Rest::new(&fixture.app.server.url());
    let table = [
        ("EIO=3&transport=polling", 5),
        ("EIO=4&transport=carrier-pigeon", 0),
        ("EIO=4", 0),
        ("transport=polling", 5),
        ("EIO=4&transport=websocket", 3),
    ];
    for (query, code) in table {
        let answer = http.get(&format!("/socket.io/?{query}")).await?;
        same(query, (answer.status, answer.body["code"].as_i64()), (400, Some(code)))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_broken_body_ends_its_own_session_only() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let token = fixture.app.token(&fixture.client)?;
    let url = fixture.app.server.url();
    let deep = format!("42/messaging,[\"send-message\",{}", "[".repeat(50_000));
    let bodies: [&[u8]; 12] = [
        b"",
        b"abc",
        b"4abc",
        b"\x1e",
        b"42/messaging,[\"user-typing\",{}]\x1e\x1e42/messaging,[\"user-typing\",{}]",
        b"42/messaging,[\"send-message\",{\"conversationId\":\"",
        b"42/messaging,{}",
        b"451-/messaging,[\"send-message\",{\"_placeholder\":true,\"num\":0}]\x1e42/messaging,[\"x\"]",
        b"bAQIDBA==",
        b"b***",
        b"4\xff\xfe",
        deep.as_bytes(),
    ];
    beside(
        &fixture,
        Box::pin(async {
            for body in bodies {
                let session = Polling::open(&url).await?;
                session.enter(&token).await?;
                let status = session.post(body).await?.status;
                assert!([200, 400].contains(&status), "{status} for {body:.20?}");
                let ended = session.ended().await;
                ended.map_err(Fault::while_doing(format!("see the end after {body:.20?}")))?;
            }
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_text_is_refused() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let url = fixture.app.server.url();
    beside(
        &fixture,
        Box::pin(async {
            let long = Polling::open(&url).await?;
            same("a long body", long.post(vec![b'4'; TOO_MANY_BYTES]).await?.status, 413)?;
            let bytes = Polling::open(&url).await?;
            let answer = bytes.post_as("application/octet-stream", [4, 1, 2, 3]).await?;
            same("raw bytes", answer.status, 400)?;
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn an_event_before_the_way_in_ends_the_session() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let session = Polling::open(&fixture.app.server.url()).await?;
    let message = json!({ "conversationId": fixture.conversation, "content": "Bonjour" });
    session.post(format!("42/messaging,[\"send-message\",{message}]")).await?;
    session.ended().await?;
    fixture.is_unharmed(&before).await
}

// Whoever learns a session's id could disturb it, as with any cookie; they cannot speak through it as
// somebody else, nor take it over to another transport.
#[tokio::test]
async fn a_stolen_session_id_does_not_change_whose_session_it_is() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let url = fixture.app.server.url();
    beside(
        &fixture,
        Box::pin(async {
            let owner = Polling::open(&url).await?;
            owner.enter(&fixture.app.token(&fixture.client)?).await?;
            let thief = Polling::with_sid(&url, &owner.sid);
            let token = fixture.app.token(&fixture.stranger)?;
            let auth = json!({ "token": token });
            let status = thief.post(format!("40/messaging,{auth}")).await?.status;
            assert!([200, 400].contains(&status), "{status}");
            owner.ended().await?;
            same("the thief's next request", thief.get().await?.status, 400)?;
            Ok(())
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

// Within the time a test waits, which is shorter than the heartbeat: 45 s.
#[tokio::test]
async fn a_client_that_closes_its_connection_while_it_polls_is_gone() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let url = fixture.app.server.url();
    let salon = Polling::open(&url).await?;
    salon.enter(&fixture.app.token(&fixture.salon)?).await?;
    let client = Polling::open(&url).await?;
    client.enter(&fixture.app.token(&fixture.client)?).await?;
    let join = json!({ "conversationId": fixture.conversation });
    let join = format!("42/messaging,[\"join-conversation\",{join}]");
    for joining in [&salon, &client] {
        joining.post(join.as_bytes()).await?.expect(200)?;
        joining.wait_for("42/messaging,[\"user-joined\"").await?;
    }
    let connected = TcpStream::connect(fixture.app.server.address()).await;
    let mut connection = connected.map_err(Fault::while_doing("connect"))?;
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", client.sid);
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let written = connection.write_all(request.as_bytes()).await;
    written.map_err(Fault::while_doing("poll"))?;
    connection.shutdown().await.map_err(Fault::while_doing("close"))?;
    salon.wait_for("42/messaging,[\"user-left\"").await.map(drop)
}
