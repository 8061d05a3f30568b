//! Commands that turn out to be nothing, and CONNECTs without end: each is counted before anything is done.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::findings::{Findings, Size};
use crate::{
    Fault, database,
    person::Person,
    socket::packet::{Frame, Frames},
    test_app::TestApp,
    wait,
};

/// So many of one kind at once: the burst is 120, and 10 a second are added to it.
const COMMANDS: usize = 600;
/// `sync` commands of 64 conversations, each of which counts as eight.
const SYNCS: usize = 80;
const SYNCS_DONE_MAX: u64 = 40;
/// Marks: 512 at once have a limit of their own.
const READS: usize = 2_000;
const READS_MIN: usize = 512;
/// CONNECTs of one session with good tokens, each followed by a DISCONNECT.
const CYCLES: usize = 400;
const CYCLES_DONE_MAX: u64 = 250;

const RATE_LIMITED: &str = "rate_limited";

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let mut findings = Findings::default();
    let salon = Person::salon(&database::id("salon"), "Encre Noire");
    let client = Person::client(&database::id("client"), "Camille", "Martin");
    let other = app.conversation(&salon, &client).await?;
    unknown(app, &mut findings).await?;
    let malformed = ("malformed commands", r#"["join-conversation",{}]"#.to_owned());
    let refused =
        ("refused commands", json!(["join-conversation", { "conversationId": other }]).to_string());
    for (what, event) in [malformed, refused] {
        let answers = ask(app, &event, COMMANDS).await?;
        findings.at_least(format!("{what}: {RATE_LIMITED}"), limited(&answers), 1);
        findings.exactly(format!("{what}: done"), done(&answers), 0);
    }
    syncs(app, &mut findings).await?;
    reads(app, &mut findings).await?;
    refused_connects(app, &mut findings).await?;
    cycles(app, &mut findings).await?;
    if matches!(size, Size::Full { .. }) {
        flood(app, &mut findings).await?;
    }
    Ok(findings)
}

fn person() -> Person {
    Person::new(&database::id("person"), "client")
}

/// The answers to one event, sent `count` times by somebody new.
async fn ask(app: &TestApp, event: &str, count: usize) -> Result<Vec<Value>, Fault> {
    let socket = app.socket(&person()).await?;
    let event: Arc<str> = event.into();
    let answers = (0..count).map(|_| socket.ask_encoded(&event));
    let answers = wait::at_most(4 * wait::TIMEOUT, "the answers", try_join_all(answers)).await?;
    answers.map_err(Fault::while_doing("get commands answered"))
}

fn limited(answers: &[Value]) -> usize {
    answers.iter().filter(|answer| answer["error"]["code"] == RATE_LIMITED).count()
}

fn done(answers: &[Value]) -> usize {
    answers.iter().filter(|answer| answer["ok"] == true).count()
}

/// Unknown events have no answers, so a known one follows.
async fn unknown(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let socket = app.socket(&person()).await?;
    for _ in 0..COMMANDS {
        socket.emit("nothing-of-ours", &json!({}));
    }
    let answer = socket.call("join-conversation", &json!({})).await?;
    findings.exactly("a command after unknown ones: rate_limited", limited(&[answer]), 1);
    Ok(())
}

async fn syncs(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let conversations: Vec<Value> =
        (0..64).map(|_| json!({ "conversationId": database::id("c"), "afterSeq": 0 })).collect();
    let event = json!(["sync", { "conversations": conversations }]).to_string();
    let answers = ask(app, &event, SYNCS).await?;
    findings.at_most("syncs of 64 conversations: done", done(&answers), SYNCS_DONE_MAX);
    findings.at_least("syncs of 64 conversations: rate_limited", limited(&answers), 1);
    Ok(())
}

async fn reads(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let event = json!(["mark-as-read", { "messageId": database::id("m") }]).to_string();
    let answers = ask(app, &event, READS).await?;
    let first =
        answers.iter().take(READS_MIN).filter(|answer| answer["error"]["code"] == RATE_LIMITED);
    findings.exactly("the first 512 marks: rate_limited", first.count(), 0);
    findings.at_least("marks beyond them: rate_limited", limited(&answers), 1);
    Ok(())
}

/// Three refusals end the session.
async fn refused_connects(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let mut socket = Frames::open(&app.server.url(), None).await?;
    let mut refusals = 0;
    // One after another: what is sent to a session that has ended would reset the connection, and lose its answers.
    while refusals < 10 {
        if socket.say(r#"40/messaging,{"token":"nonsense"}"#).await.is_err()
            || reply(&mut socket).await? != Some(false)
        {
            break;
        }
        refusals += 1;
    }
    findings.exactly("refused CONNECTs until the session ends", refusals, 3);
    Ok(())
}

/// One session connects to the namespace and leaves it, again and again.
async fn cycles(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let connect = format!("40/messaging,{}", json!({ "token": app.token(&person())? }));
    let mut socket = Frames::open(&app.server.url(), None).await?;
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..CYCLES {
        if socket.say(&connect).await.is_err() {
            break;
        }
        match reply(&mut socket).await? {
            Some(true) => accepted += 1,
            Some(false) => refused += 1,
            None => break,
        }
        if socket.say("41/messaging").await.is_err() {
            break;
        }
    }
    findings.at_most("namespace cycles of one session", accepted, CYCLES_DONE_MAX);
    findings.at_least("of its CONNECTs refused", refused, 1);
    Ok(())
}

/// Whether the CONNECT was accepted; `None` when the session has ended.
async fn reply(socket: &mut Frames) -> Result<Option<bool>, Fault> {
    loop {
        match socket.receive().await? {
            Frame::Text(text) if text.starts_with("40/messaging,") => return Ok(Some(true)),
            Frame::Text(text) if text.starts_with("44/messaging,") => return Ok(Some(false)),
            Frame::End => return Ok(None),
            Frame::Text(_) | Frame::Binary(_) => {}
        }
    }
}

/// How long unknown events are sent as fast as they are taken, by three people on 32 sockets each.
const FLOOD: Duration = Duration::from_secs(20);
const FLOOD_PEOPLE: usize = 3;
const FLOOD_SOCKETS: usize = 32;

async fn flood(app: &TestApp, findings: &mut Findings) -> Result<(), Fault> {
    let mut sockets = Vec::new();
    for _ in 0..FLOOD_PEOPLE {
        let connect = format!("40/messaging,{}", json!({ "token": app.token(&person())? }));
        for _ in 0..FLOOD_SOCKETS {
            // The limit of connections from one address applies to attackers too.
            sockets
                .push(wait::until("a socket", async || Ok(enter(app, &connect).await.ok())).await?);
        }
    }
    let end = Instant::now() + FLOOD;
    // In tasks of their own: in this one they would leave no time for what is measured beside them.
    let mut floods = JoinSet::new();
    for mut socket in sockets {
        floods.spawn(async move {
            let (event, mut sent) = (r#"42/messaging,["nothing-of-ours"]"#, 0);
            while let Ok(Ok(())) = timeout_at(end, socket.say(event)).await {
                sent += 1;
            }
            sent
        });
    }
    let sent: u64 = floods.join_all().await.into_iter().sum();
    findings.note(format!("unknown events in {} s", FLOOD.as_secs()), sent);
    Ok(())
}

async fn enter(app: &TestApp, connect: &str) -> Result<Frames, Fault> {
    let mut socket = Frames::open(&app.server.url(), None).await?;
    socket.say(connect).await?;
    socket.wait_for_text("40/messaging,").await?;
    Ok(socket)
}
