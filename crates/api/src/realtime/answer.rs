//! What a command is answered with (D10): an acknowledgement, or, for a client that asked for none,
//! an `error` event when it failed.

use serde::Serialize;
use serde_json::Value;

use super::{
    inbound::EventName,
    outbound::{Failed, ServerEvent as _},
    told::OutgoingEvent,
};
use crate::{failure::Failure, texts::Language};

/// What an event takes beside what it says: its name, what stands around it, and the offset by which a
/// client comes back, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 1_100;

/// How many bytes one answer may still take.
#[derive(Debug)]
pub(super) struct Budget {
    left_bytes: usize,
}

impl Budget {
    /// All of them.
    pub(super) fn of(bytes_max: usize) -> Self {
        Self { left_bytes: bytes_max }
    }

    /// Takes so many; `false`, and takes none, when there are fewer.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = self.left_bytes.checked_sub(bytes);
        self.left_bytes = left.unwrap_or(self.left_bytes);
        left.is_some()
    }

    /// The same, for an event that says so many.
    pub(super) fn take_event(&mut self, bytes: usize) -> bool {
        self.take(bytes.saturating_add(EVENT_OVERHEAD_BYTES))
    }
}

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
pub(super) fn error_event(
    event: EventName,
    client_message_id: Option<&str>,
    failure: &Failure,
) -> Option<OutgoingEvent> {
    if event.fails_silently() {
        return None;
    }
    let (message, code) = (event.text_of(failure), failure.code().as_str());
    let details = failure.details(Language::French);
    Failed { message: &message, code, event: event.as_str(), details, client_message_id }.told()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_what_it_has_and_keeps_what_is_too_little() {
        let mut budget = Budget::of(EVENT_OVERHEAD_BYTES + 10);
        assert!(!budget.take_event(11) && budget.take_event(4));
        assert!(!budget.take(7) && budget.take(6) && !budget.take(1) && budget.take(0));
    }
}
