//! What a command is answered with (D10): an acknowledgement, or, for a client that asked for none,
//! an `error` event when it failed.

use serde::Serialize;
use serde_json::Value;

use super::{
    inbound::EventName,
    outbound::{Failed, ServerEvent as _},
    told::Told,
};
use crate::{failure::Failure, texts::Language};

/// An acknowledgement: `{ok: true, data}` or `{ok: false, error}`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer<'a> {
    Done { ok: bool, data: &'a Value },
    Failed { ok: bool, error: Fault<'a> },
}

/// What went wrong.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fault<'a> {
    code: &'static str,
    message: String,
    /// What exactly is wrong with the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl<'a> Answer<'a> {
    /// The answer to `event`, given what came of it.
    pub(super) fn to(event: EventName, outcome: &'a Result<Value, Failure>) -> Self {
        match outcome {
            Ok(data) => Self::Done { ok: true, data },
            Err(failure) => Self::Failed { ok: false, error: Fault::of(event, failure) },
        }
    }
}

impl<'a> Fault<'a> {
    fn of(event: EventName, failure: &'a Failure) -> Self {
        Self {
            code: failure.code().as_str(),
            message: event.text_of(failure),
            details: failure.details(Language::French),
            retry_after_ms: failure.retry_after_ms(),
        }
    }
}

/// What a client hears of a failed `event` for which it wants no acknowledgement. `None` for leaving: the old
/// service never spoke of that, and the shipped page leaves what it never joined.
pub(super) fn complaint(
    event: EventName,
    client_message_id: Option<&str>,
    failure: &Failure,
) -> Option<Told> {
    if event.fails_silently() {
        return None;
    }
    let (message, code) = (event.text_of(failure), failure.code().as_str());
    let details = failure.details(Language::French);
    Failed { message: &message, code, event: event.as_str(), details, client_message_id }.told()
}
