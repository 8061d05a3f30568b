use std::{fmt, sync::Arc};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};

/// How much of a signature is sent, in bytes: 128 bits cannot be guessed.
const TAG_BYTES: usize = 16;

/// Signs what clients carry for us. Every node of a service has the same. `Debug` hides it.
#[derive(Clone)]
pub struct RecoveryKey(
    /// Prepared for signing, it takes more than a kilobyte; every session has it, so they share it.
    Arc<hmac::Key>,
);

/// What a signature is about, so that none passes for another.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Pid,
    Offset,
}

impl RecoveryKey {
    /// The key that follows from `secret`, which may serve other purposes too: this one tells
    /// nothing of it.
    pub fn derived_from(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, b"messaging: connection recovery, 1");
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())))
    }

    /// Appends to `body` the signature over it and `context`.
    pub(super) fn sign(&self, purpose: Purpose, context: &[&str], mut body: Vec<u8>) -> Vec<u8> {
        let tag = self.tag(purpose, context, &body);
        body.extend_from_slice(&tag.as_ref()[..TAG_BYTES]);
        body
    }

    /// What was signed, without its signature; `None` when that is not ours for this `context`.
    pub(super) fn open<'a>(
        &self,
        purpose: Purpose,
        context: &[&str],
        signed: &'a [u8],
    ) -> Option<&'a [u8]> {
        let (body, tag) = signed.split_last_chunk::<TAG_BYTES>()?;
        let expected = self.tag(purpose, context, body);
        verify_slices_are_equal(&expected.as_ref()[..TAG_BYTES], tag).ok()?;
        Some(body)
    }

    fn tag(&self, purpose: Purpose, context: &[&str], body: &[u8]) -> hmac::Tag {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(match purpose {
            Purpose::Pid => b"p",
            Purpose::Offset => b"o",
        });
        for part in context {
            // With its length in front, no part can pass for the end of the one before.
            signing.update(&(part.len() as u64).to_be_bytes());
            signing.update(part.as_bytes());
        }
        signing.update(body);
        signing.sign()
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(***)")
    }
}
