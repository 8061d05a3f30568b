#[cfg(test)]
mod tests;
use std::sync::Arc;

use domain::ports::Clock;

use super::replay_guard::{ReplayGuard, WebhookPermit};
use crate::signing::{Purpose, Signer};

/// How far the time of a stamp may be from ours, in seconds.
const STAMP_AGE_MAX_S: u64 = 900;
/// The longest token, in bytes; Mailgun's have 50.
const TOKEN_MAX_BYTES: usize = 128;

/// The purpose of a [`WebhookKey`].
#[derive(Debug)]
pub enum MailgunWebhooks {}

/// Nothing is derived: Mailgun has the same key.
impl Purpose for MailgunWebhooks {
    const LABEL: &'static [u8] = b"";
    const NAME: &'static str = "WebhookKey";
}

/// The key with which Mailgun signs what it tells.
pub type WebhookKey = Signer<MailgunWebhooks>;

impl WebhookKey {
    /// The signing key of HTTP webhooks, as Mailgun shows it.
    pub fn of_mailgun(key: &[u8]) -> Self {
        Self::with_key(key)
    }

    /// Takes the same time for every signature of the right length.
    fn has_signed(&self, stamp: &Stamp<'_>) -> bool {
        let expected = self.sign(&[stamp.timestamp.as_bytes(), stamp.token.as_bytes()]);
        expected.is_hex(stamp.signature)
    }
}

/// What Mailgun signs each call with.
#[derive(Clone, Copy)]
pub(crate) struct Stamp<'a> {
    /// When it was signed, in seconds since 1970.
    pub(crate) timestamp: &'a str,
    /// What no other stamp has.
    pub(crate) token: &'a str,
    /// HMAC-SHA256 of both, one after the other, in small hexadecimal digits.
    pub(crate) signature: &'a str,
}

/// Why a stamp is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadStamp {
    /// The signature or the time is wrong.
    Forged,
    /// It was used before.
    Replayed,
}

/// Checks the stamps of Mailgun's webhooks. Cheap to clone; clones share the tokens that were used.
#[derive(Clone)]
pub(crate) struct Webhooks {
    key: WebhookKey,
    clock: Arc<dyn Clock>,
    replays: ReplayGuard,
}

impl Webhooks {
    pub(crate) fn new(key: WebhookKey, clock: Arc<dyn Clock>) -> Self {
        Self { key, clock, replays: ReplayGuard::default() }
    }

    /// Accepts a good stamp, once.
    ///
    /// # Errors
    /// [`BadStamp`].
    pub(crate) fn admit(&self, stamp: &Stamp<'_>) -> Result<WebhookPermit, BadStamp> {
        if stamp.token.len() > TOKEN_MAX_BYTES || !self.key.has_signed(stamp) {
            return Err(BadStamp::Forged);
        }
        let signed_s: u64 = stamp.timestamp.parse().map_err(|_| BadStamp::Forged)?;
        let now_s = u64::try_from(self.clock.now().as_millis().div_euclid(1_000)).unwrap_or(0);
        if now_s.abs_diff(signed_s) > STAMP_AGE_MAX_S {
            return Err(BadStamp::Forged);
        }
        // A stamp from the farthest future stays good for twice the age.
        let forget_before_s = now_s.saturating_sub(2 * STAMP_AGE_MAX_S + 1);
        self.replays.take(stamp.token, now_s, forget_before_s).ok_or(BadStamp::Replayed)
    }
}
