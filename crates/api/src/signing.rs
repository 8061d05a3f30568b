//! Signatures (HMAC-SHA256) of data that clients hold for us: links, recovery tokens.
//!
//! Every [`Purpose`] has its own key, derived from a secret, so that a signature for one purpose is not valid
//! for another. Messages of one purpose must not be ambiguous: they start with a letter for their kind,
//! and parts of fixed length come before parts of variable length.

use std::{
    fmt::{self, Write as _},
    marker::PhantomData,
    sync::Arc,
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// What a key signs.
pub trait Purpose: 'static {
    /// Label for the key derivation, unique per purpose.
    const LABEL: &'static [u8];
    /// The name of its key, for `Debug`.
    const NAME: &'static str;
}

/// A signing key for one purpose, the same on every node of a service. Cheap to clone; `Debug` hides the
/// key.
pub struct Signer<P> {
    /// Shared between clones: a prepared key takes more than a kilobyte.
    key: Arc<hmac::Key>,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> Signer<P> {
    /// Derives the key from `secret`, which may serve other purposes too.
    pub fn derived_from(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self::with_key(hmac::sign(&secret, P::LABEL).as_ref())
    }

    /// A random key for the lifetime of the process.
    ///
    /// # Panics
    /// If the operating system provides no random numbers.
    pub(crate) fn of_this_process() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        Self::new(key.expect("the operating system has random numbers"))
    }

    /// Uses `key` as it is, without derivation, for keys shared with other services.
    pub(crate) fn with_key(key: &[u8]) -> Self {
        Self::new(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn new(key: hmac::Key) -> Self {
        Self { key: Arc::new(key), purpose: PhantomData }
    }

    /// Signs the concatenation of `parts`.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Signature {
        let mut signing = hmac::Context::with_key(&self.key);
        for part in parts {
            signing.update(part);
        }
        Signature(signing.sign())
    }
}

/// A signature of 32 bytes. `Debug` hides it.
pub(crate) struct Signature(hmac::Tag);

impl Signature {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Encodes as base64url without padding, as in links.
    pub(crate) fn to_base64(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.as_bytes())
    }

    /// Encodes as lower-case hexadecimal digits.
    pub(crate) fn to_hex(&self) -> String {
        self.as_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether `text` equals [`to_base64`](Self::to_base64). Like the following comparisons, constant time for
    /// signatures of the right length.
    pub(crate) fn is_base64(&self, text: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD.decode(text).is_ok_and(|other| is_same(self.as_bytes(), &other))
    }

    /// Whether the signature begins with `other`, for purposes that truncate signatures to a fixed length.
    pub(crate) fn begins_with<const N: usize>(&self, other: &[u8; N]) -> bool {
        self.as_bytes().get(..N).is_some_and(|beginning| is_same(beginning, other))
    }

    /// Whether `digits` equals [`to_hex`](Self::to_hex).
    pub(crate) fn is_hex(&self, digits: &str) -> bool {
        is_same(self.to_hex().as_bytes(), digits.as_bytes())
    }
}

fn is_same(own: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(own, other).is_ok()
}

impl<P> Clone for Signer<P> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), purpose: PhantomData }
    }
}

impl<P: Purpose> fmt::Debug for Signer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(***)", P::NAME)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    impl Purpose for One {
        const LABEL: &'static [u8] = b"one";
        const NAME: &'static str = "OneKey";
    }

    struct Other;
    impl Purpose for Other {
        const LABEL: &'static [u8] = b"other";
        const NAME: &'static str = "OtherKey";
    }

    #[test]
    fn each_purpose_and_each_secret_signs_in_its_own_way() {
        let signature = Signer::<One>::derived_from(b"a").sign(&[b"x"]).to_base64();
        assert!(Signer::<One>::derived_from(b"a").sign(&[b"x"]).is_base64(&signature));
        assert!(!Signer::<One>::derived_from(b"a").sign(&[b"y"]).is_base64(&signature));
        assert!(!Signer::<One>::derived_from(b"b").sign(&[b"x"]).is_base64(&signature));
        assert!(!Signer::<Other>::derived_from(b"a").sign(&[b"x"]).is_base64(&signature));
        assert!(!Signer::<One>::with_key(b"a").sign(&[b"x"]).is_base64(&signature));
        let of_this_process = || Signer::<One>::of_this_process().sign(&[b"x"]);
        assert!(!of_this_process().is_base64(&of_this_process().to_base64()));
        for bad in ["", "A", "é", &signature[1..], &format!("{signature}=")] {
            assert!(!Signer::<One>::derived_from(b"a").sign(&[b"x"]).is_base64(bad), "{bad}");
        }
    }

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // Test case 2 of RFC 4231, cut in two where it does not matter.
        let signature =
            Signer::<One>::with_key(b"Jefe").sign(&[b"what do ya want", b" for nothing?"]);
        let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature.to_hex(), digits);
        assert!(signature.is_hex(digits) && !signature.is_hex(&digits.to_uppercase()));
        assert!(signature.begins_with(&[0x5b, 0xdc]) && !signature.begins_with(&[0x5b, 0xdd]));
    }

    #[test]
    fn a_key_hides_itself() {
        let (key, other) = (Signer::<One>::with_key(b"planted"), Signer::<Other>::with_key(b"x"));
        assert_eq!(format!("{key:?} {other:?}"), "OneKey(***) OtherKey(***)");
        assert_eq!(format!("{:?}", key.sign(&[b"x"])), "Signature(***)");
    }
}
