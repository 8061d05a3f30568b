use std::sync::Arc;

use domain::{
    mail::store::{MailStore, TokenUse},
    ports::{Clock, StoreError},
    time::Timestamp,
};

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
#[derive(Debug)]
pub(crate) enum BadStamp {
    /// The signature or the time is wrong.
    Forged,
    /// A call with it was executed.
    Replayed,
    /// A call with it is being executed; it may be told again later.
    InProgress,
    /// It is not known whether a call with it was executed.
    Store(StoreError),
}

/// Verifies the stamps of Mailgun's webhooks. The tokens that were used are in the store, so that a call is
/// executed once on all nodes, and after a restart. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Webhooks {
    key: WebhookKey,
    clock: Arc<dyn Clock>,
    store: Arc<dyn MailStore>,
}

impl Webhooks {
    pub(crate) fn new(key: WebhookKey, clock: Arc<dyn Clock>, store: Arc<dyn MailStore>) -> Self {
        Self { key, clock, store }
    }

    /// Accepts a valid stamp once.
    ///
    /// # Errors
    /// [`BadStamp`].
    pub(crate) async fn admit(&self, stamp: &Stamp<'_>) -> Result<WebhookPermit, BadStamp> {
        if stamp.token.len() > TOKEN_MAX_BYTES || !self.key.has_signed(stamp) {
            return Err(BadStamp::Forged);
        }
        let signed_s: u64 = stamp.timestamp.parse().map_err(|_| BadStamp::Forged)?;
        let now = self.clock.now();
        let now_s = u64::try_from(now.as_millis().div_euclid(1_000)).unwrap_or(0);
        if now_s.abs_diff(signed_s) > STAMP_AGE_MAX_S {
            return Err(BadStamp::Forged);
        }
        // A stamp from the future stays valid for up to twice the maximum age.
        let kept_ms = (2 * STAMP_AGE_MAX_S + 1) * 1_000;
        let forget_before = now.as_millis().saturating_sub_unsigned(kept_ms);
        let forget_before = Timestamp::from_millis(forget_before).unwrap_or(Timestamp::UNIX_EPOCH);
        match self.store.take_webhook_token(stamp.token, now, forget_before).await {
            Ok(TokenUse::Taken) => {
                Ok(WebhookPermit { store: self.store.clone(), token: stamp.token.to_owned() })
            }
            Ok(TokenUse::Executed) => Err(BadStamp::Replayed),
            Ok(TokenUse::InProgress) => Err(BadStamp::InProgress),
            Err(error) => Err(BadStamp::Store(error)),
        }
    }
}

/// Permission to execute one webhook call. If it is dropped without an outcome, the call may be executed
/// again after [a while](domain::mail::store::WEBHOOK_CALL_MS_MAX).
pub(crate) struct WebhookPermit {
    store: Arc<dyn MailStore>,
    token: String,
}

impl WebhookPermit {
    /// Returns `outcome`, and records that the call was executed, or refused for good; not when it failed
    /// for a while only: then the caller may repeat it at once.
    pub(crate) async fn settle<T, E>(
        self,
        outcome: Result<T, E>,
        is_temporary: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        let is_executed = !outcome.as_ref().is_err_and(is_temporary);
        // The call itself is safe to repeat, so that its outcome counts, recorded or not.
        if let Err(cause) = self.store.settle_webhook_token(&self.token, is_executed).await {
            tracing::warn!(%cause, "the outcome of a webhook call could not be recorded");
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::{MemoryStore, fixture::FixedClock};

    use super::*;
    use crate::testing::mailgun_signature;

    const KEY: &str = "signing-key";

    struct Fixture {
        webhooks: Webhooks,
        clock: Arc<FixedClock>,
        store: Arc<MemoryStore>,
    }

    fn fixture() -> Fixture {
        let (clock, store) = (Arc::new(FixedClock::still()), Arc::new(MemoryStore::new()));
        Fixture { webhooks: node(&clock, &store), clock, store }
    }

    /// A node over `store`.
    fn node(clock: &Arc<FixedClock>, store: &Arc<MemoryStore>) -> Webhooks {
        Webhooks::new(WebhookKey::of_mailgun(KEY.as_bytes()), clock.clone(), store.clone())
    }

    /// The present moment of `clock`, moved by `offset_s`, as a stamp has it.
    fn stamped(clock: &FixedClock, offset_s: i64) -> String {
        (clock.now().as_millis() / 1_000 + offset_s).to_string()
    }

    fn reason(bad: &BadStamp) -> &'static str {
        match bad {
            BadStamp::Forged => "forged",
            BadStamp::Replayed => "replayed",
            BadStamp::InProgress => "in progress",
            BadStamp::Store(_) => "store",
        }
    }

    async fn permit(
        webhooks: &Webhooks,
        timestamp: &str,
        token: &str,
    ) -> Result<WebhookPermit, &'static str> {
        let signature = mailgun_signature(KEY, timestamp, token);
        webhooks
            .admit(&Stamp { timestamp, token, signature: &signature })
            .await
            .map_err(|bad| reason(&bad))
    }

    async fn executed(
        webhooks: &Webhooks,
        timestamp: &str,
        token: &str,
    ) -> Result<(), &'static str> {
        permit(webhooks, timestamp, token).await?.settle(Ok(()), |_| false).await
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

    #[actix_web::test]
    async fn a_stamp_is_good_for_a_quarter_of_an_hour() {
        let Fixture { webhooks, clock, .. } = fixture();
        for (offset_s, token, outcome) in [
            (0, "a", Ok(())),
            (-900, "b", Ok(())),
            (900, "c", Ok(())),
            (-901, "d", Err("forged")),
            (901, "e", Err("forged")),
        ] {
            let timestamp = stamped(&clock, offset_s);
            assert_eq!(executed(&webhooks, &timestamp, token).await, outcome, "{offset_s}");
        }
    }

    #[actix_web::test]
    async fn a_stamp_is_good_once_for_as_long_as_it_is_good() {
        let Fixture { webhooks, clock, .. } = fixture();
        let timestamp = stamped(&clock, 900);
        assert_eq!(executed(&webhooks, &timestamp, "a").await, Ok(()));
        for number in 0..2 {
            // On the way the store forgets what is too old.
            let other = format!("other-{number}");
            assert_eq!(executed(&webhooks, &stamped(&clock, 0), &other).await, Ok(()));
            assert_eq!(executed(&webhooks, &timestamp, "a").await, Err("replayed"));
            clock.advance_millis(900_000);
        }
        clock.advance_millis(1_000);
        assert_eq!(executed(&webhooks, &timestamp, "a").await, Err("forged"));
    }

    #[actix_web::test]
    async fn a_call_is_executed_once_on_all_nodes_and_after_a_restart() {
        let Fixture { webhooks, clock, store } = fixture();
        let timestamp = stamped(&clock, 0);
        assert_eq!(executed(&webhooks, &timestamp, "a").await, Ok(()));
        drop(webhooks);
        assert_eq!(executed(&node(&clock, &store), &timestamp, "a").await, Err("replayed"));
    }

    #[actix_web::test]
    async fn a_call_without_an_outcome_may_be_told_again_after_a_while_and_a_failed_one_at_once() {
        let Fixture { webhooks, clock, store } = fixture();
        let (timestamp, other) = (stamped(&clock, 0), node(&clock, &store));
        let interrupted = permit(&webhooks, &timestamp, "a").await.expect("new");
        assert_eq!(executed(&other, &timestamp, "a").await, Err("in progress"));
        drop(interrupted);
        assert_eq!(executed(&other, &timestamp, "a").await, Err("in progress"));
        clock.advance_millis(60_000);
        let failed = permit(&other, &timestamp, "a").await.expect("a while has passed");
        let outcome: Result<(), &str> = failed.settle(Err("not now"), |_| true).await;
        assert_eq!(outcome, Err("not now"));
        assert_eq!(executed(&webhooks, &timestamp, "a").await, Ok(()));
    }

    #[actix_web::test]
    async fn nobody_uses_up_a_token_without_its_signature() {
        let Fixture { webhooks, clock, .. } = fixture();
        let timestamp = stamped(&clock, 0);
        let signature = mailgun_signature("another-key", &timestamp, "a");
        let forged = Stamp { timestamp: &timestamp, token: "a", signature: &signature };
        assert_eq!(webhooks.admit(&forged).await.err().as_ref().map(reason), Some("forged"));
        assert_eq!(executed(&webhooks, &timestamp, "a").await, Ok(()));
    }

    #[actix_web::test]
    async fn a_signed_stamp_with_an_invalid_time_or_token_is_refused() {
        let Fixture { webhooks, clock, .. } = fixture();
        let now = stamped(&clock, 0);
        for timestamp in ["", "now", "-1", "99999999999999999999", &format!("{now}.5")] {
            assert_eq!(executed(&webhooks, timestamp, "a").await, Err("forged"), "{timestamp}");
        }
        assert_eq!(executed(&webhooks, &now, &"a".repeat(129)).await, Err("forged"));
        assert_eq!(format!("{:?}", WebhookKey::of_mailgun(b"planted")), "WebhookKey(***)");
    }
}
