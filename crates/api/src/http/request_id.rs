use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use domain::ports::Ids;

/// The header that names a request, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name we take from a caller, in characters.
const MAX_CHARS: usize = 64;

/// What a request is called in logs, here and elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's name for the request, if it is safe to write down; else a new one.
    pub(crate) fn of(headers: &HeaderMap, ids: &dyn Ids) -> Self {
        let given = headers.get(X_REQUEST_ID).filter(|value| is_safe(value.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| {
            let id = ids.next().hyphenated().to_string();
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("unknown")
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_safe(name: &[u8]) -> bool {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=MAX_CHARS).contains(&name.len()) && name.iter().all(safe)
}

#[cfg(test)]
mod tests {
    use domain::testing::fixture::CountingIds;

    use super::*;

    #[test]
    fn a_name_that_could_forge_a_log_line_is_replaced() {
        let id = |name: &str| {
            let value = HeaderValue::from_bytes(name.as_bytes()).expect("a header value");
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, value)]);
            RequestId::of(&headers, &CountingIds::new()).as_str().to_owned()
        };
        assert_eq!(id("trace-1_a.b"), "trace-1_a.b");
        for bad in ["a b", "", "é", &"x".repeat(MAX_CHARS + 1), "a\"b"] {
            assert_eq!(id(bad), CountingIds::new().next().to_string(), "{bad}");
        }
    }
}
