//! Links to files: whoever holds one may fetch the file, for a while. They are signed, so that none
//! can be guessed, made to last, or led to another file.

use std::{fmt, sync::Arc};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    conversation::attachment::{ObjectKey, PictureForm},
    ids::AttachmentId,
    ports::Clock,
    time::Timestamp,
};

/// What links are made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Signs them; all nodes have the same. Without it links are good on the node that made them,
    /// until it is started again.
    pub key: Option<LinkKey>,
    /// Where people reach this service, such as `https://messages.example`. Empty: links begin with
    /// the path.
    pub base_url: String,
    /// How long a link is good at least, in seconds (2 to 604,800).
    pub lifetime_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { key: None, base_url: String::new(), lifetime_s: 21_600 }
    }
}

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLink {
    /// It was not made here, or was changed since.
    Forged,
    /// It was good once.
    Expired,
}

/// Makes links, and tells good ones. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Links(Arc<Inner>);

struct Inner {
    key: LinkKey,
    base_url: String,
    lifetime_s: u64,
    clock: Arc<dyn Clock>,
}

impl Links {
    pub(crate) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let Settings { key, base_url, lifetime_s } = settings;
        Self(Arc::new(Inner {
            key: key.unwrap_or_else(LinkKey::of_this_process),
            base_url: base_url.trim_end_matches('/').to_owned(),
            lifetime_s: lifetime_s.max(2).into(),
            clock,
        }))
    }

    /// A link to `file`. It is the same for half a lifetime, so that browsers may keep what they
    /// fetched.
    pub(crate) fn to(&self, file: &AttachmentId, form: PictureForm) -> String {
        let Inner { key, base_url, lifetime_s, .. } = &*self.0;
        let step_s = lifetime_s / 2;
        let expires_s = (self.now_s() + lifetime_s).next_multiple_of(step_s);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(file, form, expires_s));
        let form = form.as_str();
        format!(
            "{base_url}/messaging/files/{file}/{form}?expires={expires_s}&signature={signature}"
        )
    }

    /// How many more seconds the link is good.
    ///
    /// # Errors
    /// [`BadLink`]: `Expired` only for a link that was made here.
    pub(crate) fn check(
        &self,
        file: &AttachmentId,
        form: PictureForm,
        expires_s: u64,
        signature: &str,
    ) -> Result<u64, BadLink> {
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadLink::Forged)?;
        if !self.0.key.has_signed(file, form, expires_s, &signature) {
            return Err(BadLink::Forged);
        }
        match expires_s.checked_sub(self.now_s()) {
            None | Some(0) => Err(BadLink::Expired),
            Some(rest_s) => Ok(rest_s),
        }
    }

    /// A link to the archive at `key`, which is there until `gone_at`.
    pub(crate) fn to_archive(&self, key: &ObjectKey, gone_at: Timestamp) -> String {
        let Inner { key: signer, base_url, lifetime_s, .. } = &*self.0;
        let gone_s = u64::try_from(gone_at.as_millis().div_euclid(1_000)).unwrap_or(0);
        let expires_s = gone_s.min(self.now_s() + lifetime_s);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signer.sign_archive(key, expires_s));
        format!(
            "{base_url}/messaging/exports/{key}?expires={expires_s}&signature={signature}",
            key = key.as_str()
        )
    }

    /// Whether such a link is good.
    ///
    /// # Errors
    /// [`BadLink`]: `Expired` only for a link that was made here.
    pub(crate) fn check_archive(
        &self,
        key: &ObjectKey,
        expires_s: u64,
        signature: &str,
    ) -> Result<(), BadLink> {
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadLink::Forged)?;
        if !self.0.key.has_signed_archive(key, expires_s, &signature) {
            return Err(BadLink::Forged);
        }
        if expires_s > self.now_s() { Ok(()) } else { Err(BadLink::Expired) }
    }

    fn now_s(&self) -> u64 {
        let now_s = self.0.clock.now().as_millis().div_euclid(1_000);
        u64::try_from(now_s).unwrap_or(0)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("base_url", &self.0.base_url).finish_non_exhaustive()
    }
}

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
    fn of_this_process() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        Self(key.expect("the operating system has random numbers"))
    }

    fn sign(&self, file: &AttachmentId, form: PictureForm, expires_s: u64) -> hmac::Tag {
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

    fn sign_archive(&self, key: &ObjectKey, expires_s: u64) -> hmac::Tag {
        let mut signing = hmac::Context::with_key(&self.0);
        // No form of a picture begins like this, so no link leads from one to the other.
        signing.update(b"a");
        signing.update(&expires_s.to_be_bytes());
        signing.update(key.as_str().as_bytes());
        signing.sign()
    }

    /// Takes the same time for every `signature` of the right length.
    fn has_signed_archive(&self, key: &ObjectKey, expires_s: u64, signature: &[u8]) -> bool {
        let expected = self.sign_archive(key, expires_s);
        verify_slices_are_equal(expected.as_ref(), signature).is_ok()
    }

    /// Takes the same time for every `signature` of the right length.
    fn has_signed(
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

#[cfg(test)]
mod tests;
