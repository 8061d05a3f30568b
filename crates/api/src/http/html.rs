//! HTML pages served by this service itself, without scripts and external resources.

use std::fmt;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, ContentType},
    },
};

use crate::texts::Language;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    button{font:inherit;padding:.5rem 1rem}table{border-collapse:collapse}\
    td,th{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere}iframe{width:100%;height:44rem;border:1px solid #999}";
/// Allows inline styles and forms to this service, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Displays text escaped for HTML, also inside quoted attribute values.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A page with `body`, which must be HTML.
pub(super) fn page(
    status: StatusCode,
    language: Language,
    title: &str,
    body: impl fmt::Display,
) -> HttpResponse {
    let (tag, title) = (language.tag(), Escaped(title));
    let text = format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>\n"
    );
    HttpResponse::build(status)
        .content_type(ContentType::html())
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_LANGUAGE, tag))
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let text = "a<b>&\"c\" 'é'";
        assert_eq!(Escaped(text).to_string(), "a&lt;b&gt;&amp;&quot;c&quot; &#39;é&#39;");
        assert_eq!(Escaped("").to_string(), "");
    }
}
