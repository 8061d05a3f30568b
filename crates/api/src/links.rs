//! Signed, expiring links to files. A link is the authorisation to download one file; it cannot be guessed,
//! extended or changed to another file.

use std::{fmt, sync::Arc};

use domain::{
    conversation::attachment::{ObjectKey, PictureForm},
    ids::AttachmentId,
    ports::Clock,
    time::Timestamp,
};

use crate::signing::{Purpose, Signature, Signer};

/// Settings of links.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The signing key, the same on all nodes. Without it links are valid only on the node that made
    /// them, until it restarts.
    pub key: Option<LinkKey>,
    /// Public URL of this service, such as `https://messages.example`. Empty: links are relative.
    pub base_url: String,
    /// Lifetime of a link, in seconds (2 to 604,800). It ends at the next full minute.
    pub lifetime_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { key: None, base_url: String::new(), lifetime_s: 3_600 }
    }
}

/// How long a link to a file stays the same at most, in seconds: within that time a browser has the file in
/// its cache.
const STEP_S_MAX: u64 = 60;

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLink {
    /// The signature is wrong.
    Forged,
    /// It has expired.
    Expired,
}

/// Makes and checks links. Cheap to clone.
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

    /// A link to `file`, renewed each minute: every answer brings links with all of their lifetime.
    pub(crate) fn to(&self, file: &AttachmentId, form: PictureForm) -> String {
        let Inner { key, base_url, lifetime_s, .. } = &*self.0;
        let step_s = STEP_S_MAX.min(lifetime_s / 2);
        let expires_s = (self.now_s() + lifetime_s).next_multiple_of(step_s);
        let signature = key.sign_file(file, form, expires_s).to_base64();
        let form = form.as_str();
        format!(
            "{base_url}/messaging/files/{file}/{form}?expires={expires_s}&signature={signature}"
        )
    }

    /// The remaining lifetime of a link, in seconds.
    ///
    /// # Errors
    /// [`BadLink`]: `Expired` only if the signature is right.
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

    /// A link to the archive at `key`, which is deleted at `gone_at`.
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

    /// Checks a link to an archive.
    ///
    /// # Errors
    /// [`BadLink`]: `Expired` only if the signature is right.
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
        // The expiry has a fixed length and precedes the id, so that the message is unambiguous.
        self.sign(&[kind, &expires_s.to_be_bytes(), file.as_str().as_bytes()])
    }

    fn sign_archive(&self, key: &ObjectKey, expires_s: u64) -> Signature {
        // No picture form has this letter, so a link to a file is never valid for an archive.
        self.sign(&[b"a", &expires_s.to_be_bytes(), key.as_str().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::fixture::FixedClock;

    use super::*;

    const LIFETIME_S: u32 = 3_600;

    /// Links at 09:30:00, and the clock that they look at.
    fn links(secret: &str) -> (Links, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::still());
        let settings = Settings {
            key: Some(LinkKey::derived_from(secret.as_bytes())),
            base_url: "https://messages.example/".to_owned(),
            lifetime_s: LIFETIME_S,
        };
        (Links::new(settings, clock.clone()), clock)
    }

    fn file(id: &str) -> AttachmentId {
        AttachmentId::parse(id).expect("a good id")
    }

    /// When a link ends, and its signature.
    fn parts(link: &str) -> (u64, &str) {
        let (_, query) = link.split_once("?expires=").expect("it ends");
        let (expires_s, signature) = query.split_once("&signature=").expect("it is signed");
        (expires_s.parse().expect("a number"), signature)
    }

    #[test]
    fn a_link_has_base_url_file_and_expiry() {
        let (links, _) = links("a");
        let link = links.to(&file("f1"), PictureForm::Thumbnail);
        let start =
            "https://messages.example/messaging/files/f1/thumbnail?expires=1767609000&signature=";
        assert!(link.starts_with(start), "{link}");
        let (expires_s, signature) = parts(&link);
        let rest_s = links.check(&file("f1"), PictureForm::Thumbnail, expires_s, signature);
        assert_eq!(rest_s, Ok(u64::from(LIFETIME_S)));
    }

    #[test]
    fn a_link_stays_the_same_for_a_minute_and_is_good_for_a_whole_lifetime() {
        let (links, clock) = links("a");
        clock.advance_millis(1_000);
        let first = links.to(&file("f1"), PictureForm::Full);
        clock.advance_millis(59_000);
        assert_eq!(links.to(&file("f1"), PictureForm::Full), first);
        clock.advance_millis(1_000);
        assert_ne!(links.to(&file("f1"), PictureForm::Full), first);
        for _ in 0..100 {
            clock.advance_millis(77_777);
            let link = links.to(&file("f1"), PictureForm::Full);
            let (expires_s, signature) = parts(&link);
            let rest_s =
                links.check(&file("f1"), PictureForm::Full, expires_s, signature).expect("good");
            let lifetime_s = u64::from(LIFETIME_S);
            assert!((lifetime_s..lifetime_s + 60).contains(&rest_s), "{rest_s}");
        }
    }

    #[test]
    fn a_link_ends_with_the_second_it_names() {
        let (links, clock) = links("a");
        let link = links.to(&file("f1"), PictureForm::Full);
        let (expires_s, signature) = parts(&link);
        let check = || links.check(&file("f1"), PictureForm::Full, expires_s, signature);
        clock.advance_millis(i64::from(LIFETIME_S) * 1_000 - 1);
        assert_eq!(check(), Ok(1));
        clock.advance_millis(1);
        assert_eq!(check(), Err(BadLink::Expired));
    }

    #[test]
    fn a_link_that_was_changed_in_any_part_leads_nowhere() {
        let (own, clock) = links("a");
        let link = own.to(&file("f1"), PictureForm::Full);
        let (expires_s, signature) = parts(&link);
        let forged = Err(BadLink::Forged);
        assert_eq!(own.check(&file("f2"), PictureForm::Full, expires_s, signature), forged);
        assert_eq!(own.check(&file("f1"), PictureForm::Thumbnail, expires_s, signature), forged);
        assert_eq!(own.check(&file("f1"), PictureForm::Full, expires_s + 1, signature), forged);
        assert_eq!(
            links("b").0.check(&file("f1"), PictureForm::Full, expires_s, signature),
            forged
        );
        let (cut, padded) = (&signature[..signature.len() - 1], format!("{signature}="));
        for bad in ["", "A", "é", cut, &padded, &signature.to_lowercase()] {
            assert_eq!(own.check(&file("f1"), PictureForm::Full, expires_s, bad), forged, "{bad}");
        }
        // Nobody learns that a link was good once by changing it.
        clock.advance_millis(i64::from(LIFETIME_S) * 2_000);
        assert_eq!(own.check(&file("f2"), PictureForm::Full, expires_s, signature), forged);
    }

    #[test]
    fn the_signature_format_is_stable() {
        let (links, _) = links("secret");
        let expires_s = 1_800_000_000;
        for (form, signature) in [
            (PictureForm::Full, "U0WGmH1iJViRiZy1O10jEew7fJBWkRnOfT2o9iIw8Ss"),
            (PictureForm::Thumbnail, "8P3Zz1aJXUCNLMR9l8Q9Lu1E9T7vkyXTsW7iBQbto_M"),
        ] {
            assert!(links.check(&file("f1"), form, expires_s, signature).is_ok(), "{form:?}");
        }
        let archive =
            ObjectKey::parse("00000000-0000-0000-0000-000000000000/archive").expect("a key");
        let signature = "qxr1kQfCXZaQD3XWERbhxZPDk8ub_bIt02FwBDjNkdE";
        assert_eq!(links.check_archive(&archive, expires_s, signature), Ok(()));
    }

    #[test]
    fn a_key_and_what_holds_it_hide_it() {
        let key = LinkKey::derived_from(b"planted-secret");
        assert_eq!(format!("{key:?}"), "LinkKey(***)");
        assert!(!format!("{:?} {:?}", links("planted").0, Settings::default()).contains("planted"));
    }

    #[test]
    fn without_a_configured_key_a_node_accepts_only_its_own_links() {
        let clock = Arc::new(FixedClock::still());
        let node = || Links::new(Settings::default(), clock.clone());
        let (one, other) = (node(), node());
        let link = one.to(&file("f1"), PictureForm::Full);
        assert!(link.starts_with("/messaging/files/f1/full?"), "{link}");
        let (expires_s, signature) = parts(&link);
        assert!(one.check(&file("f1"), PictureForm::Full, expires_s, signature).is_ok());
        let elsewhere = other.check(&file("f1"), PictureForm::Full, expires_s, signature);
        assert_eq!(elsewhere, Err(BadLink::Forged));
    }
}
