//! Large events: three people on 32 sockets each send what no page of ours sends, all at once.

use std::{fmt::Write as _, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::findings::{Findings, Size};
use crate::{Fault, database, person::Person, socket::Socket, test_app::TestApp, wait};

/// People, and sockets of each.
const PEOPLE: usize = 3;
/// An event that is refused by its size, and one that is not.
const LARGE_BYTES: usize = 960_000;
const SMALL_BYTES: usize = 120 * 1024;
/// Of each event of [`LARGE_BYTES`] so many are sent, and eight times as many of the others.
const SYNCS: usize = 3;
const UNKNOWN: usize = 2;
const TIMES: usize = 8;
/// Conversations that a `sync` names.
const CONVERSATIONS: usize = 64;
const AT_ONCE: usize = 16;

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let sockets_each = size.pick(4, 32);
    let sockets = connect(sockets_each, app).await?;
    let mut findings = Findings::default();
    for (bytes, times) in [(LARGE_BYTES, 1), (SMALL_BYTES, TIMES)] {
        let events = [sync(bytes)?, unknown(bytes + 20_000.min(bytes / 48))?];
        let counts = [SYNCS * times, UNKNOWN * times];
        let answers = send(&sockets, &events, counts).await;
        let what = |what: &str| format!("{} of {} kB: {what}", "syncs", bytes / 1_000);
        let of = |code: &str| answers.iter().filter(|answer| code_of(answer) == code).count();
        let sent = u64::try_from(sockets.len() * counts[0]).unwrap_or(u64::MAX);
        let refused = ["payload_too_large", "busy", "rate_limited"].map(of);
        findings.note(what("payload_too_large"), refused[0]);
        findings.note(what("busy"), refused[1]);
        findings.note(what("rate_limited"), refused[2]);
        findings.exactly(what("answered"), answers.len(), sent);
        let done = answers.iter().filter(|answer| answer["ok"] == true).count();
        if bytes == LARGE_BYTES {
            findings.exactly(what("done"), done, 0);
            findings.at_least(what("payload_too_large"), refused[0], 1);
        } else {
            findings.note(what("done"), done);
        }
        findings.exactly(
            what("refused otherwise"),
            answers.len() - done - refused.iter().sum::<usize>(),
            0,
        );
    }
    let ended = sockets.iter().filter(|socket| socket.is_over()).count();
    findings.exactly("sockets that were closed", ended, 0);
    Ok(findings)
}

async fn connect(sockets_each: usize, app: &TestApp) -> Result<Vec<Socket>, Fault> {
    let people: Vec<_> =
        (0..PEOPLE).map(|_| Person::new(&database::id("client"), "client")).collect();
    let everybody = people.iter().flat_map(|person| std::iter::repeat_n(person, sockets_each));
    let connected = stream::iter(everybody).map(async |person| {
        let mut socket = app.socket(person).await?;
        socket.discard_events();
        Ok(socket)
    });
    connected.buffered(AT_ONCE).try_collect().await
}

/// Sends so many of each event on every socket at once. Returns the answers to the first kind; the other has
/// none.
async fn send(sockets: &[Socket], events: &[Arc<str>; 2], counts: [usize; 2]) -> Vec<Value> {
    let mut answers = Vec::new();
    for socket in sockets {
        answers.extend((0..counts[0]).map(|_| socket.ask_encoded(&events[0])));
        let unanswered: Vec<oneshot::Receiver<Value>> =
            (0..counts[1]).map(|_| socket.ask_encoded(&events[1])).collect();
        drop(unanswered);
    }
    let answers = wait::at_most(4 * wait::TIMEOUT, "answers", join_all(answers)).await;
    answers.unwrap_or_default().into_iter().flatten().collect()
}

fn code_of(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

/// A `sync` of many conversations with a member that nobody reads.
fn sync(bytes: usize) -> Result<Arc<str>, Fault> {
    let conversations: Vec<Value> = (0..CONVERSATIONS)
        .map(|_| json!({ "conversationId": database::id("c"), "afterSeq": 0 }))
        .collect();
    let head = json!({ "conversations": conversations }).to_string();
    let head = head.strip_suffix('}').unwrap_or(&head);
    padded(&format!(r#"["sync",{head}"#), "}]", bytes)
}

/// An event that is not of our protocol.
fn unknown(bytes: usize) -> Result<Arc<str>, Fault> {
    padded(r#"["nothing-of-ours",{"y":1"#, "}]", bytes)
}

/// `head`, a member `x` full of zeros, and `tail`.
fn padded(head: &str, tail: &str, bytes: usize) -> Result<Arc<str>, Fault> {
    let mut event = format!(r#"{head},"x":[0"#);
    let zeros = bytes.saturating_sub(event.len() + tail.len() + 1) / 2;
    write!(event, "{}]{tail}", ",0".repeat(zeros)).map_err(Fault::while_doing("write an event"))?;
    Ok(event.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_valid_json_of_the_size_that_is_asked_for() {
        for event in [sync(LARGE_BYTES), unknown(LARGE_BYTES)] {
            let event = event.expect("an event");
            assert!((LARGE_BYTES - 2..=LARGE_BYTES).contains(&event.len()), "{}", event.len());
            let parsed: Value = serde_json::from_str(&event).expect("JSON");
            assert!(parsed[1]["x"].is_array());
        }
    }
}
