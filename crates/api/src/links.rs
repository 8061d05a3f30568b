//! Links to files: whoever holds one may fetch the file, for a while. They are signed, so that none
//! can be guessed, made to last, or led to another file.

use std::{fmt, sync::Arc};

use domain::{
    conversation::attachment::{ObjectKey, PictureForm},
    ids::AttachmentId,
    ports::Clock,
    time::Timestamp,
};

use crate::signing::{Purpose, Signature, Signer};

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
        let signature = key.sign_file(file, form, expires_s).to_base64();
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
        if !self.0.key.sign_file(file, form, expires_s).is_base64(signature) {
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
        let signature = signer.sign_archive(key, expires_s).to_base64();
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
        if !self.0.key.sign_archive(key, expires_s).is_base64(signature) {
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

/// The purpose of a [`LinkKey`].
#[derive(Debug)]
pub enum FileLinks {}

impl Purpose for FileLinks {
    const LABEL: &'static [u8] = b"messaging: links to files, 1";
    const NAME: &'static str = "LinkKey";
}

/// Signs links to files and archives.
pub type LinkKey = Signer<FileLinks>;

impl LinkKey {
    fn sign_file(&self, file: &AttachmentId, form: PictureForm, expires_s: u64) -> Signature {
        let kind = match form {
            PictureForm::Full => b"f",
            PictureForm::Thumbnail => b"t",
        };
        // The time is of fixed length and before the id, so that neither can pass for a part of the other.
        self.sign(&[kind, &expires_s.to_be_bytes(), file.as_str().as_bytes()])
    }

    fn sign_archive(&self, key: &ObjectKey, expires_s: u64) -> Signature {
        // No form of a picture begins like this, so no link leads from one to the other.
        self.sign(&[b"a", &expires_s.to_be_bytes(), key.as_str().as_bytes()])
    }
}

#[cfg(test)]
mod tests;
