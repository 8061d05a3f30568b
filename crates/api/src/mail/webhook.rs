use std::sync::Arc;

use domain::ports::Clock;

use super::replay_guard::{ReplayGuard, WebhookPermit};
use crate::signing::{Purpose, Signer};

/// Maximum difference between the time of a stamp and this node's clock, in seconds.
const STAMP_AGE_MAX_S: u64 = 900;
/// Maximum length of a token, in bytes; Mailgun's have 50.
const TOKEN_MAX_BYTES: usize = 128;

/// The purpose of a [`WebhookKey`].
#[derive(Debug)]
pub enum MailgunWebhooks {}

/// The key is shared with Mailgun and not derived.
impl Purpose for MailgunWebhooks {
    const LABEL: &'static [u8] = b"";
    const NAME: &'static str = "WebhookKey";
}

/// The key with which Mailgun signs webhook calls.
pub type WebhookKey = Signer<MailgunWebhooks>;

impl WebhookKey {
    /// `key` is the HTTP webhook signing key as Mailgun shows it.
    pub fn of_mailgun(key: &[u8]) -> Self {
        Self::with_key(key)
    }

    /// Compares in constant time for signatures of the right length.
    fn has_signed(&self, stamp: &Stamp<'_>) -> bool {
        let expected = self.sign(&[stamp.timestamp.as_bytes(), stamp.token.as_bytes()]);
        expected.is_hex(stamp.signature)
    }
}

/// The signature of a call.
#[derive(Clone, Copy)]
pub(crate) struct Stamp<'a> {
    /// When it was signed, in seconds since 1970.
    pub(crate) timestamp: &'a str,
    /// Unique per call.
    pub(crate) token: &'a str,
    /// HMAC-SHA256 of timestamp and token concatenated, in lower-case hexadecimal digits.
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

/// Verifies the stamps of Mailgun's webhooks. Cheap to clone; clones share the used tokens.
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

    /// Accepts a valid stamp once.
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
        // A stamp from the future stays valid for up to twice the maximum age.
        let forget_before_s = now_s.saturating_sub(2 * STAMP_AGE_MAX_S + 1);
        self.replays.take(stamp.token, now_s, forget_before_s).ok_or(BadStamp::Replayed)
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::fixture::FixedClock;

    use super::*;
    use crate::testing::mailgun_signature;

    const KEY: &str = "signing-key";

    fn webhooks() -> (Webhooks, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::still());
        (Webhooks::new(WebhookKey::of_mailgun(KEY.as_bytes()), clock.clone()), clock)
    }

    /// The present moment of `clock`, moved by `offset_s`, as a stamp has it.
    fn stamped(clock: &FixedClock, offset_s: i64) -> String {
        (clock.now().as_millis() / 1_000 + offset_s).to_string()
    }

    fn admitted(webhooks: &Webhooks, timestamp: &str, token: &str) -> Result<(), BadStamp> {
        let signature = mailgun_signature(KEY, timestamp, token);
        let permit = webhooks.admit(&Stamp { timestamp, token, signature: &signature })?;
        permit.used();
        Ok(())
    }

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // Test case 2 of RFC 4231, cut in two where it does not matter.
        let key = WebhookKey::of_mailgun(b"Jefe");
        let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let stamp =
            |signature| Stamp { timestamp: "what do ya want", token: " for nothing?", signature };
        assert!(key.has_signed(&stamp(signature)));
        for bad in ["", "5b", &signature.to_uppercase(), &signature.replace('5', "6")] {
            assert!(!key.has_signed(&stamp(bad)), "{bad}");
        }
    }

    #[test]
    fn a_stamp_is_good_for_a_quarter_of_an_hour() {
        let (webhooks, clock) = webhooks();
        for (offset_s, token, outcome) in [
            (0, "a", Ok(())),
            (-900, "b", Ok(())),
            (900, "c", Ok(())),
            (-901, "d", Err(BadStamp::Forged)),
            (901, "e", Err(BadStamp::Forged)),
        ] {
            assert_eq!(
                admitted(&webhooks, &stamped(&clock, offset_s), token),
                outcome,
                "{offset_s}"
            );
        }
    }

    #[test]
    fn a_stamp_is_good_once_for_as_long_as_it_is_good() {
        let (webhooks, clock) = webhooks();
        let timestamp = stamped(&clock, 900);
        assert_eq!(admitted(&webhooks, &timestamp, "a"), Ok(()));
        for _ in 0..2 {
            assert_eq!(admitted(&webhooks, &timestamp, "a"), Err(BadStamp::Replayed));
            clock.advance_millis(900_000);
        }
        clock.advance_millis(1_000);
        assert_eq!(admitted(&webhooks, &timestamp, "a"), Err(BadStamp::Forged));
    }

    #[test]
    fn nobody_uses_up_a_token_without_its_signature() {
        let (webhooks, clock) = webhooks();
        let timestamp = stamped(&clock, 0);
        let signature = mailgun_signature("another-key", &timestamp, "a");
        let forged = Stamp { timestamp: &timestamp, token: "a", signature: &signature };
        assert_eq!(webhooks.admit(&forged).err(), Some(BadStamp::Forged));
        assert_eq!(admitted(&webhooks, &timestamp, "a"), Ok(()));
    }

    #[test]
    fn a_signed_stamp_with_an_invalid_time_or_token_is_refused() {
        let (webhooks, clock) = webhooks();
        let now = stamped(&clock, 0);
        for timestamp in ["", "now", "-1", "99999999999999999999", &format!("{now}.5")] {
            assert_eq!(admitted(&webhooks, timestamp, "a"), Err(BadStamp::Forged), "{timestamp}");
        }
        assert_eq!(admitted(&webhooks, &now, &"a".repeat(129)), Err(BadStamp::Forged));
        assert_eq!(format!("{:?}", WebhookKey::of_mailgun(b"planted")), "WebhookKey(***)");
    }
}
