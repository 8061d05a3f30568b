//! The pages that may call us from a browser.

use std::{collections::HashSet, fmt, sync::Arc};

/// An allow-list of origins (RFC 6454). Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    allowed: Arc<HashSet<String>>,
}

/// The setting names no origin: `https://host`, a port if need be, and nothing behind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: {0}")]
pub struct InvalidOrigin(String);

impl Origins {
    /// Allows each of `origins`, with and without `www.`; a slash at the end does not count.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for the first that is none.
    pub fn new<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let mut allowed = HashSet::new();
        for origin in origins {
            let origin = origin.as_ref().trim().trim_end_matches('/').to_ascii_lowercase();
            let twin = twin(&origin).ok_or_else(|| InvalidOrigin(origin.clone()))?;
            allowed.extend([origin, twin]);
        }
        Ok(Self { allowed: Arc::new(allowed) })
    }

    /// Whether a page of `origin` may call.
    pub fn allows(&self, origin: &str) -> bool {
        self.allowed.contains(origin)
    }
}

/// The same origin with `www.` if it has none, without if it has; `None` when it is no origin.
fn twin(origin: &str) -> Option<String> {
    let (scheme, host) = origin.split_once("://")?;
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    if !matches!(scheme, "http" | "https") || host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    Some(match host.strip_prefix("www.") {
        Some(bare) => format!("{scheme}://{bare}"),
        None => format!("{scheme}://www.{host}"),
    })
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut origins: Vec<&str> = self.allowed.iter().map(String::as_str).collect();
        origins.sort_unstable();
        f.write_str(&origins.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_with_and_without_www_and_exactly() {
        let origins =
            Origins::new(["https://salon.example/", "http://localhost:3000"]).expect("good");
        for good in ["https://salon.example", "https://www.salon.example", "http://localhost:3000"]
        {
            assert!(origins.allows(good), "{good}");
        }
        for bad in [
            "http://salon.example",
            "https://salon.example:8443",
            "https://evil.salon.example",
            "https://salon.example.evil",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(!origins.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_setting_that_is_no_origin_is_refused() {
        for bad in ["*", "salon.example", "https://salon.example/app", "ftp://x", "https://", ""] {
            assert!(Origins::new([bad]).is_err(), "{bad}");
        }
    }
}
