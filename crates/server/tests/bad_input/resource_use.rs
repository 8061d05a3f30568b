//! Clients that want too much, give nothing, or take nothing.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    Fault,
    fault::same,
    polling::Polling,
    socket::{EndReason, Socket, packet::Frames},
    wait,
};

use crate::{Fixture, bystander::beside};

const JOINS: usize = 10_000;
/// One socket's commands are carried out one after another.
const JOINS_MAX: Duration = Duration::from_mins(2);
const ACKS: usize = 10_000;
/// Together more than one socket's mailbox and what the system holds for it.
const LONG_MESSAGES: usize = 600;
/// How long a client may stay without a word, in these tests.
const SILENCE_MS: &str = "700";

#[tokio::test]
async fn ten_thousand_joins_are_answered_and_join_nothing() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let socket = fixture.app.socket(&fixture.stranger).await?;
    let refused = beside(
        &fixture,
        Box::pin(async {
            let asked = (0..JOINS).map(|number| {
                // Some are real, and not theirs; all have to be looked for.
                let real = fixture.conversation.clone();
                let id = if number % 10 == 0 { real } else { format!("nowhere-{number}") };
                socket.ask("join-conversation", &json!({ "conversationId": id }))
            });
            let answers =
                wait::at_most(JOINS_MAX, "the answers", join_all(asked.collect::<Vec<_>>()))
                    .await?;
            let refused = answers.into_iter().flatten().filter(|ack| ack["ok"] == false);
            Ok(refused.count())
        }),
    )
    .await?;
    same("joins refused", refused, JOINS)?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn acknowledgements_nobody_asked_for_are_ignored() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.database.digest().await?;
    let mut socket = fixture.app.socket(&fixture.client).await?;
    beside(
        &fixture,
        Box::pin(async {
            for number in 0..ACKS {
                socket.send_raw(&format!("43/messaging,{number}[{{\"ok\":true}}]"));
            }
            socket.catch_up().await
        }),
    )
    .await?;
    fixture.is_unharmed(&before).await
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_and_costs_nobody_anything() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let token = fixture.app.token(&fixture.client)?;
    let lazy = Socket::connect_narrow(&fixture.app.server.url(), &token).await?;
    let here = json!({ "conversationId": fixture.conversation });
    lazy.call_ok("join-conversation", &here).await?;
    let speaker = fixture.app.socket(&fixture.salon).await?;
    let content = "é".repeat(4_000);
    let stall = lazy.stall();
    beside(
        &fixture,
        Box::pin(async {
            for _ in 0..LONG_MESSAGES {
                let message = json!({ "conversationId": fixture.conversation, "content": content });
                speaker.call_ok("send-message", &message).await?;
            }
            Ok(())
        }),
    )
    .await?;
    drop(stall);
    let ending = lazy.ended().await?;
    assert!(matches!(ending, EndReason::Closed(_) | EndReason::Broken), "{ending:?}");
    fixture.is_alive().await
}

#[tokio::test]
async fn whoever_opens_and_never_speaks_is_closed() -> Result<(), Fault> {
    let settings = [
        ("REALTIME_CONNECT_TIMEOUT_MS", SILENCE_MS),
        ("HTTP_CLIENT_REQUEST_TIMEOUT_MS", SILENCE_MS),
    ];
    let fixture = Fixture::start_with(&settings).await?;
    let url = fixture.app.server.url();
    beside(
        &fixture,
        Box::pin(async {
            let mut silent = Frames::open(&url, None).await?;
            silent.wait_for_text("0").await?;
            silent.ended().await?;
            Polling::open(&url).await?.ended().await?;
            half_a_request(&url).await
        }),
    )
    .await?;
    fixture.is_alive().await
}

/// Begins a request and never ends it.
async fn half_a_request(url: &str) -> Result<(), Fault> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = url.trim_start_matches("http://");
    let opened = tokio::net::TcpStream::connect(address).await;
    let mut stream = opened.map_err(Fault::while_doing("connect"))?;
    let begun = stream.write_all(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\n").await;
    begun.map_err(Fault::while_doing("begin a request"))?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = wait::at_most(Duration::from_secs(15), "the end of half a request", read).await?;
    // Answered with a time-out or just closed; either way it is over.
    end.map(drop).or_else(|error| match error.kind() {
        std::io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(Fault::while_doing("read the answer")(error)),
    })
}
