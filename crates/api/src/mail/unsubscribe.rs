use std::{borrow::Cow, fmt, sync::Arc};

use domain::ids::UserId;
use percent_encoding::percent_decode_str;

use crate::signing::{Purpose, Signer};

/// The purpose of an [`UnsubscribeKey`].
#[derive(Debug)]
pub enum Unsubscribing {}

impl Purpose for Unsubscribing {
    const LABEL: &'static [u8] = b"messaging: ending mail, 1";
    const NAME: &'static str = "UnsubscribeKey";
}

/// Signs unsubscribe links.
pub type UnsubscribeKey = Signer<Unsubscribing>;

/// The part of each link between the base URL and the user id.
const PATH: &str = "/mail/unsubscribe?person=";
/// The same as encoded by Proofpoint URL Defense in rewritten links.
const PATH_BY_PROOFPOINT: &str = "_mail_unsubscribe-3Fperson-3D";
/// How many layers of percent-encoding are decoded when looking for a link: one per mail gateway.
const ESCAPED_TIMES_MAX: usize = 3;

/// Links to unsubscribe from all mail (RFC 8058). They do not expire: a mail may be read years later, and
/// its link can do nothing but stop further mails. Cheap to clone.
#[derive(Clone)]
pub struct UnsubscribeLinks(Arc<Inner>);

struct Inner {
    key: UnsubscribeKey,
    base_url: String,
}

impl UnsubscribeLinks {
    /// `base_url` is the public URL of this service, such as `https://messages.example`.
    pub fn new(key: UnsubscribeKey, base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self(Arc::new(Inner { key, base_url }))
    }

    /// The link for `person`, the same each time.
    pub fn to(&self, person: &UserId) -> String {
        let Inner { key, base_url } = &*self.0;
        let signature = key.sign(&[person.as_str().as_bytes()]).to_base64();
        // Ids and signatures consist of letters, digits, `-` and `_` and need no escaping.
        format!("{base_url}{PATH}{person}&signature={signature}")
    }

    /// Whether `text` contains an unsubscribe link with any base URL or signature, also one that a mail gateway
    /// has wrapped in its own link.
    pub(crate) fn is_in(text: &str) -> bool {
        let mut text = Cow::Borrowed(text);
        for _ in 0..=ESCAPED_TIMES_MAX {
            if text.contains(PATH) || text.contains(PATH_BY_PROOFPOINT) {
                return true;
            }
            let Cow::Owned(bytes) = Cow::from(percent_decode_str(&text)) else { return false };
            text = Cow::Owned(String::from_utf8_lossy(&bytes).into_owned());
        }
        false
    }

    /// The person whose link it is; `None` if the signature is wrong. Compares in constant time for
    /// signatures of the right length.
    pub(crate) fn check(&self, person: &str, signature: &str) -> Option<UserId> {
        let person = UserId::parse(person).ok()?;
        let expected = self.0.key.sign(&[person.as_str().as_bytes()]);
        expected.is_base64(signature).then_some(person)
    }
}

/// With a random key: the links are valid on this node until it restarts.
impl Default for UnsubscribeLinks {
    fn default() -> Self {
        Self::new(UnsubscribeKey::of_this_process(), "")
    }
}

impl fmt::Debug for UnsubscribeLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsubscribeLinks")
            .field("base_url", &self.0.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(secret: &str) -> UnsubscribeLinks {
        UnsubscribeLinks::new(
            UnsubscribeKey::derived_from(secret.as_bytes()),
            "https://messages.example/",
        )
    }

    fn person(id: &str) -> UserId {
        UserId::parse(id).expect("a good id")
    }

    fn signature(link: &str) -> &str {
        link.rsplit_once("&signature=").expect("it is signed").1
    }

    #[test]
    fn a_link_says_whose_it_is_and_is_the_same_on_every_node() {
        let link = links("a").to(&person("c1"));
        assert!(link.starts_with("https://messages.example/mail/unsubscribe?person=c1&signature="));
        assert_eq!(links("a").to(&person("c1")), link);
        assert_eq!(links("a").check("c1", signature(&link)), Some(person("c1")));
    }

    #[test]
    fn a_link_that_was_changed_in_any_part_ends_nobody_s_mail() {
        let link = links("a").to(&person("c1"));
        let good = signature(&link);
        assert_eq!(links("a").check("c2", good), None);
        assert_eq!(links("b").check("c1", good), None);
        let (cut, padded) = (&good[..good.len() - 1], format!("{good}="));
        for bad in ["", "A", "é", cut, &padded, &good.to_lowercase()] {
            assert_eq!(links("a").check("c1", bad), None, "{bad}");
        }
        assert_eq!(links("a").check("", good), None);
    }

    #[test]
    fn links_in_mails_that_were_sent_stay_good_whatever_signs_new_ones() {
        let signature = "WBdZ2a-WvqcoQMdIJoh0x4xdA53SO8KOf-ozh61MYfE";
        assert_eq!(links("secret").check("c1", signature), Some(person("c1")));
        let link = links("secret").to(&person("c1"));
        assert!(link.ends_with(signature), "{link}");
    }

    #[test]
    fn it_is_another_key_than_that_of_files_although_the_secret_is_the_same() {
        let own = format!("{:?}", UnsubscribeKey::derived_from(b"planted-secret"));
        assert_eq!(own, "UnsubscribeKey(***)");
        assert!(!format!("{:?}", links("planted")).contains("planted"));
    }
}
