use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac, rand};
use domain::{
    id::AttachmentId,
    object::{ObjectKey, PictureForm},
};

/// Signs links to files. Every node of a service has the same. `Debug` hides it.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl LinkKey {
    /// The key that follows from `secret`, which may serve other purposes too: this one tells
    /// nothing of it.
    pub fn derived_from(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, b"messaging: links to files, 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// A key that nobody else has.
    ///
    /// # Panics
    /// When the operating system has no random numbers.
    pub(super) fn of_this_process() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        Self(key.expect("the operating system has random numbers"))
    }

    pub(super) fn sign(&self, file: &AttachmentId, form: PictureForm, expires_s: u64) -> hmac::Tag {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(match form {
            PictureForm::Full => b"f",
            PictureForm::Thumbnail => b"t",
        });
        // Of fixed length, and before the id, so that neither can pass for a part of the other.
        signing.update(&expires_s.to_be_bytes());
        signing.update(file.as_str().as_bytes());
        signing.sign()
    }

    pub(super) fn sign_archive(&self, key: &ObjectKey, expires_s: u64) -> hmac::Tag {
        let mut signing = hmac::Context::with_key(&self.0);
        // No form of a picture begins like this, so no link leads from one to the other.
        signing.update(b"a");
        signing.update(&expires_s.to_be_bytes());
        signing.update(key.as_str().as_bytes());
        signing.sign()
    }

    /// Takes the same time for every `signature` of the right length.
    pub(super) fn has_signed_archive(
        &self,
        key: &ObjectKey,
        expires_s: u64,
        signature: &[u8],
    ) -> bool {
        let expected = self.sign_archive(key, expires_s);
        verify_slices_are_equal(expected.as_ref(), signature).is_ok()
    }

    /// Takes the same time for every `signature` of the right length.
    pub(super) fn has_signed(
        &self,
        file: &AttachmentId,
        form: PictureForm,
        expires_s: u64,
        signature: &[u8],
    ) -> bool {
        let expected = self.sign(file, form, expires_s);
        verify_slices_are_equal(expected.as_ref(), signature).is_ok()
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(***)")
    }
}
