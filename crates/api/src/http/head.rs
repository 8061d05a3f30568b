//! `HEAD`: what `GET` would answer, without the content (RFC 9110, section 9.3.2).

use std::{
    convert::Infallible,
    pin::Pin,
    task::{self, Poll},
};

use actix_web::{
    Route,
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceResponse,
    guard::{self, Guard as _},
    web::{self, Bytes},
};

/// A route for those who read: `GET` and `HEAD`.
pub(super) fn read() -> Route {
    let head = guard::Head();
    web::route()
        .guard(guard::fn_guard(move |request| guard::Get().check(request) || head.check(request)))
}

/// The same answer, of whose content only the length is left.
pub(super) fn without_content(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.map_body(|_, body| BoxBody::new(LengthOf(body.size())))
}

/// Nothing, as long as something else.
struct LengthOf(BodySize);

impl MessageBody for LengthOf {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;

    use crate::{
        http::tests::ROUTES,
        testing::{ATTACHMENTS, House, request},
    };

    /// Those that need no token.
    const OPEN: [&str; 6] = [
        "/health/live",
        "/health/ready",
        "/docs/",
        "/docs/openapi.json",
        "/docs/asyncapi.json",
        "/docs/errors/unauthorized",
    ];

    #[actix_web::test]
    async fn whatever_can_be_read_has_a_head_and_nothing_else_has() {
        let house = House::new().await;
        let talk = house.talk().await;
        house.said(&talk, "c1", "Bonjour").await;
        let upload = house.uploaded("s1").await;
        let upload = upload["id"].as_str().expect("an id");
        let mut read = OPEN.map(str::to_owned).to_vec();
        for route in ROUTES.iter().filter(|route| route.method == Method::GET) {
            let path = route.path.replace("/messaging/conversations/{id}", &talk);
            read.push(
                path.replace("/messaging/attachments/{id}", &format!("{ATTACHMENTS}/{upload}")),
            );
        }
        for path in read {
            let (get, head) = (house.get(&path, "s1").await, house.head(&path, "s1").await);
            // An archive is begun by the first look.
            let good = if path.ends_with("/me/export") { 202 } else { 200 };
            assert_eq!((get.status.as_u16(), head.status.as_u16()), (good, good), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
            assert!(head.is_empty() && !get.is_empty(), "{path}");
        }
        let write_only = format!("{talk}/archive");
        assert_eq!(house.head(&write_only, "s1").await.status, 404);
    }

    #[actix_web::test]
    async fn a_failure_without_content_is_a_failure() {
        let house = House::new().await;
        let table = [("/nowhere", "s1", 404), ("/messaging/conversations", "", 401)];
        for (path, who, status) in table {
            let answer = house.head(path, who).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(answer.is_empty(), "{path}");
        }
        let asked = request(Method::HEAD, "/messaging/conversations", "nonsense");
        assert_eq!(house.ask(asked).await.header("www-authenticate"), Some("Bearer"));
    }
}
