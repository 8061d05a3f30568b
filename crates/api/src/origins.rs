//! Allowed origins: the pages that may call this service from a browser or a web view.

use std::{collections::HashSet, fmt, sync::Arc};

use actix_web::{
    dev::RequestHead,
    http::{
        header::{self, HeaderValue},
        uri::Authority,
    },
};

/// URL schemes that are never the origin of a page.
const INVALID_SCHEMES: [&str; 8] =
    ["about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"];

/// An allow-list of origins (RFC 6454). Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    allowed: Arc<HashSet<String>>,
}

/// Not an origin of the form `https://host[:port]`, or `scheme://host[:port]` for an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: {0}")]
pub struct InvalidOrigin(String);

impl Origins {
    /// Allows each of `origins`; web origins with and without `www.`. Case and a trailing slash are
    /// ignored. Apps have custom schemes: `capacitor://localhost`, `ionic://localhost`,
    /// `app://com.example`.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for the first invalid one.
    pub fn new<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let mut allowed = HashSet::new();
        for origin in origins {
            let origin = origin.as_ref().trim().trim_end_matches('/').to_ascii_lowercase();
            if !is_origin(&origin) {
                return Err(InvalidOrigin(origin));
            }
            allowed.extend(www_variant(&origin));
            allowed.insert(origin);
        }
        Ok(Self { allowed: Arc::new(allowed) })
    }

    /// Whether `origin` is in the list.
    pub fn allows(&self, origin: &str) -> bool {
        self.allowed.contains(&origin.to_ascii_lowercase())
    }

    /// Whether `request` may be served: every `Origin` in it is in the list or is the host of the request
    /// itself, or there is none. Used by REST and both socket transports.
    pub(crate) fn admit(&self, request: &RequestHead) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN);
        origins.all(|origin| self.admit_origin(origin, request))
    }

    /// The same for one `Origin` of the request.
    pub(crate) fn admit_origin(&self, origin: &HeaderValue, request: &RequestHead) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allows(origin) || host_of(request).is_some_and(|host| is_on(origin, host))
    }
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    is_scheme
        && !INVALID_SCHEMES.contains(&scheme)
        && !host.is_empty()
        && host.chars().all(|c| is_host(c) || (c == '_' && !is_web(scheme)))
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// The origin with `www.` added or removed; `None` for an app.
fn www_variant(origin: &str) -> Option<String> {
    let (scheme, host) = origin.split_once("://").filter(|(scheme, _)| is_web(scheme))?;
    Some(match host.strip_prefix("www.") {
        Some(bare) => format!("{scheme}://{bare}"),
        None => format!("{scheme}://www.{host}"),
    })
}

/// Host and port as the client addressed them. Proxies must preserve `Host`.
fn host_of(request: &RequestHead) -> Option<&str> {
    match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => request.uri.authority().map(Authority::as_str),
    }
}

/// Whether `origin` has the host and port of `host`. The scheme is not compared, because it differs
/// behind a proxy that terminates TLS; its default port is assumed if there is none.
fn is_on(origin: &str, host: &str) -> bool {
    let Some((scheme, origin_host)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    !origin_host.is_empty() && bare(origin_host) == bare(host)
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
    use actix_web::test::TestRequest;

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
    fn an_app_has_a_scheme_of_its_own_and_is_allowed_exactly() {
        let apps = ["capacitor://localhost", "ionic://localhost", "app://Com.Example_1", "app://."];
        let origins = Origins::new(apps).expect("good");
        for good in apps {
            assert!(origins.allows(good), "{good}");
        }
        for bad in ["capacitor://www.localhost", "http://localhost", "app://", "ionic://other"] {
            assert!(!origins.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_setting_that_is_no_origin_is_refused() {
        for bad in [
            "*",
            "salon.example",
            "https://salon.example/app",
            "https://salon_1.example",
            "ftp://x",
            "wss://salon.example",
            "file://x",
            "://x",
            "1app://x",
            "https://",
            "app://",
            "",
        ] {
            assert!(Origins::new([bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_on_the_host_it_calls_may_call_whatever_the_scheme_it_is_seen_by() {
        let asked = |origin: &'static str, host: &'static str| {
            let request = TestRequest::get()
                .insert_header((header::ORIGIN, origin))
                .insert_header((header::HOST, host))
                .to_http_request();
            Origins::default().admit(request.head())
        };
        for (origin, host) in [
            ("https://api.example", "api.example"),
            ("https://api.example", "API.example:443"),
            ("http://localhost:8080", "localhost:8080"),
            ("http://[::1]:3000", "[::1]:3000"),
        ] {
            assert!(asked(origin, host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("https://api.example:8443", "api.example"),
            ("https://api.example", "api.example:80"),
            ("https://evil.example", "api.example"),
            ("https://api.example.evil", "api.example"),
            ("app://api.example", "api.example"),
            ("null", "null"),
            ("https://", ""),
        ] {
            assert!(!asked(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn every_origin_that_is_named_counts() {
        let origins = Origins::new(["https://salon.example"]).expect("good");
        let named = |all: &[&'static str]| {
            let bare = TestRequest::get().insert_header((header::HOST, "api.example"));
            let named = all
                .iter()
                .fold(bare, |request, origin| request.append_header((header::ORIGIN, *origin)));
            origins.admit(named.to_http_request().head())
        };
        assert!(named(&[]) && named(&["https://salon.example", "https://api.example"]));
        assert!(!named(&["https://salon.example", "https://evil.example"]));
    }
}
