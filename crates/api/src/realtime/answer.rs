//! What a command is answered with (D10): an acknowledgement, or, for a client that asked for none,
//! an `error` event when it failed.

use serde::Serialize;
use serde_json::Value;
use socketio::{Acknowledger, Socket};

use super::{
    inbound::EventName,
    outbound::{Failed, ServerEvent as _},
};
use crate::{code::Code, failure::Failure, texts::Language};

#[derive(Serialize)]
#[serde(untagged)]
enum Ack<'a> {
    Done { ok: bool, data: &'a Value },
    Failed { ok: bool, error: Fault<'a> },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fault<'a> {
    code: &'static str,
    message: &'a str,
    /// What exactly is wrong with the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Answers `event` with what came of it.
pub(super) fn answer(
    socket: &Socket,
    event: EventName,
    client_message_id: Option<&str>,
    ack: Option<Acknowledger>,
    outcome: &Result<Value, Failure>,
) {
    if let Err(failure) = outcome {
        failure.log();
    }
    let failure = match (outcome, ack) {
        (Ok(data), Some(ack)) => return acknowledge(ack, &Ack::Done { ok: true, data }),
        (Ok(_), None) => return,
        (Err(failure), Some(ack)) => {
            let message = event.text_of(failure);
            let error = Fault {
                code: failure.code().as_str(),
                message: &message,
                details: details(failure),
                retry_after_ms: failure.retry_after_ms(),
            };
            return acknowledge(ack, &Ack::Failed { ok: false, error });
        }
        (Err(failure), None) => failure,
    };
    // The old service never spoke of a failed leave, and the shipped page leaves what it never
    // joined.
    if event == EventName::LeaveConversation {
        return;
    }
    let (message, code) = (event.text_of(failure), failure.code().as_str());
    let failed = Failed { message: &message, code, event: event.as_str(), client_message_id };
    if let Some(frame) = failed.frame() {
        lost(socket.send(&frame));
    }
}

fn details(failure: &Failure) -> Vec<&str> {
    match failure.code() {
        Code::ValidationFailed => failure.messages(Language::French),
        _ => Vec::new(),
    }
}

fn acknowledge(ack: Acknowledger, answer: &Ack<'_>) {
    lost(ack.send(answer));
}

/// An answer does not reach a client that is gone or too slow; it asks again under the same key.
fn lost(sent: Result<(), socketio::EmitError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer did not reach its session");
    }
}
