use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
};
use domain::ports::TokenError;
use futures_util::future::LocalBoxFuture;

use super::Context;
use crate::failure::Failure;

/// Who is asking, by the token in `Authorization: Bearer …`.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) domain::caller::Caller);

impl FromRequest for Caller {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = Context::of(request);
        let token = bearer(request.headers()).map(str::to_owned);
        Box::pin(async move {
            let context = context?;
            let token = token.ok_or(TokenError::Invalid)?;
            let caller = context.callers.identify(&token).await?;
            context.limits.allow_request_of(&caller.user)?;
            Ok(Self(caller))
        })
    }
}

/// The token, if there is exactly one. The name of the scheme may be in any case (RFC 9110,
/// section 11.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_token_comes_once_under_its_scheme() {
        let read = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((header::AUTHORIZATION, *value));
            }
            bearer(request.to_http_request().headers()).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(read(&["bEARER  a.b.c "]).as_deref(), Some("a.b.c"));
        for bad in [vec![], vec!["a.b.c"], vec!["Bearer"], vec!["Bearer "], vec!["Basic a"]] {
            assert_eq!(read(&bad), None, "{bad:?}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), None);
    }
}
