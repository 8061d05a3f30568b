//! Unsubscribing from all mail by a signed link in each mail, without a token. Mail providers post to it
//! (one-click unsubscribe, RFC 8058); people see a page that asks for confirmation.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    middleware::from_fn,
    web::{self, Data, ServiceConfig, post},
};
use domain::ids::UserId;

use super::{
    context::Context,
    error_response::language,
    html,
    middleware::no_such_route,
    middleware::{get_or_head, throttle},
};
use crate::{error::Failure, input::link_query, texts, texts::Text};

/// Mounts both routes. There are no CORS headers: no page of another origin needs them.
pub(super) fn configure(config: &mut ServiceConfig) {
    let mail = web::scope("/mail")
        .route("/unsubscribe", get_or_head().to(ask))
        .route("/unsubscribe", post().to(end))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle));
    config.service(mail);
}

/// Shows a page that asks for confirmation. Changes nothing, because programs follow links too.
#[utoipa::path(
    get, path = "/mail/unsubscribe", tag = "mail", operation_id = "askToUnsubscribe",
    params(
        ("person" = String, Query, max_length = 64, description = "User id."),
        ("signature" = String, Query, description = "Signature of the link."),
    ),
    responses(
        (status = 200, description = "Confirmation page with one button", content_type = "text/html"),
        (status = 404, description = "Error page: the link is not valid", content_type = "text/html"),
    ),
    security(()),
)]
#[tracing::instrument(name = "http.mail.ask", skip_all)]
pub(crate) async fn ask(request: HttpRequest, context: Data<Context>) -> HttpResponse {
    let language = language(request.headers());
    if person(&request, &context).is_none() {
        return text_page(&request, StatusCode::NOT_FOUND, &texts::UNSUBSCRIBE_NOT_FOUND);
    }
    let question = html::Escaped(texts::UNSUBSCRIBE_QUESTION.in_language(language)).to_string();
    let button = html::Escaped(texts::UNSUBSCRIBE_BUTTON.in_language(language)).to_string();
    // The form posts to the URL of the page, so it needs no copy of the link.
    let body = format!("<p>{question}</p><form method=\"post\"><button>{button}</button></form>");
    html::page(StatusCode::OK, language, texts::UNSUBSCRIBE_TITLE.in_language(language), body)
}

/// Unsubscribes a person from all mail: one request without token or redirect (RFC 8058). Idempotent.
#[utoipa::path(
    post, path = "/mail/unsubscribe", tag = "mail", operation_id = "unsubscribe",
    params(
        ("person" = String, Query, max_length = 64, description = "User id."),
        ("signature" = String, Query, description = "Signature of the link."),
    ),
    responses(
        (status = 200, description = "Success page", content_type = "text/html"),
        (status = 404, description = "Error page: the link is not valid", content_type = "text/html"),
        (status = 503, description = "Error page: try again later", content_type = "text/html"),
    ),
    security(()),
)]
#[tracing::instrument(name = "http.mail.end", skip_all)]
pub(crate) async fn end(request: HttpRequest, context: Data<Context>) -> HttpResponse {
    let Some(person) = person(&request, &context) else {
        return text_page(&request, StatusCode::NOT_FOUND, &texts::UNSUBSCRIBE_NOT_FOUND);
    };
    match context.services.preferences.unsubscribe(&person).await {
        Ok(()) => text_page(&request, StatusCode::OK, &texts::UNSUBSCRIBED),
        Err(error) => {
            let failure = Failure::from(error);
            failure.log();
            text_page(&request, failure.code().status(), &texts::UNSUBSCRIBE_LATER)
        }
    }
}

/// The person whose link it is; `None` if it is not valid.
fn person(request: &HttpRequest, context: &Context) -> Option<UserId> {
    let (person, signature) = link_query(request.query_string())?;
    let person = context.unsubscribe.check(&person, &signature)?;
    Some(person).filter(|person| !context.authenticator.is_erased(person))
}

fn text_page(request: &HttpRequest, status: StatusCode, text: &Text) -> HttpResponse {
    let language = language(request.headers());
    let body = format!("<p>{}</p>", html::Escaped(text.in_language(language)));
    html::page(status, language, texts::UNSUBSCRIBE_TITLE.in_language(language), body)
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use domain::ids::UserId;

    use crate::{
        Settings,
        mail::{self, UnsubscribeKey, UnsubscribeLinks},
        testing::{Answer, TestApp, no_limits, request},
    };

    const PREFERENCES: &str = "/notification-preferences";

    async fn test_app() -> (TestApp, String) {
        let links = UnsubscribeLinks::new(UnsubscribeKey::derived_from(b"a secret"), "");
        let link = links.to(&UserId::parse("c1").expect("good"));
        let mail = mail::Settings { unsubscribe: links, ..Default::default() };
        (TestApp::with(Settings { mail, limits: no_limits(), ..Settings::default() }).await, link)
    }

    async fn clicked(test_app: &TestApp, link: &str) -> Answer {
        let asked = request(Method::POST, link, "")
            .insert_header(("Content-Type", "application/x-www-form-urlencoded"))
            .set_payload("List-Unsubscribe=One-Click");
        test_app.ask(asked).await
    }

    async fn frequency(test_app: &TestApp, who: &str) -> String {
        let preferences = test_app.get(PREFERENCES, who).await.json();
        preferences["emailFrequency"].as_str().expect("a word").to_owned()
    }

    #[actix_web::test]
    async fn one_click_ends_all_mail_to_one_person_and_may_be_repeated() {
        let (test_app, link) = test_app().await;
        for _ in 0..2 {
            assert_eq!(clicked(&test_app, &link).await.status, 200);
            assert_eq!(frequency(&test_app, "c1").await, "NEVER");
        }
        assert_eq!(frequency(&test_app, "c2").await, "IMMEDIATE");
    }

    #[actix_web::test]
    async fn opening_the_link_only_asks_for_confirmation() {
        let (test_app, link) = test_app().await;
        for (language, words) in [
            ("fr", "Ne plus recevoir"),
            ("en-GB, fr;q=0.5", "Stop receiving"),
            ("", "Ne plus recevoir"),
        ] {
            let asked =
                request(Method::GET, &link, "").insert_header(("Accept-Language", language));
            let page = test_app.ask(asked).await;
            assert_eq!(page.status, 200);
            assert!(page.text().contains(words), "{language}: {}", page.text());
            assert_eq!(page.text().matches("<button>").count(), 1);
            assert!(page.text().contains("<form method=\"post\">"));
        }
        assert_eq!(frequency(&test_app, "c1").await, "IMMEDIATE");
    }

    #[actix_web::test]
    async fn the_page_has_no_scripts_and_no_external_resources() {
        let (test_app, link) = test_app().await;
        let page = test_app.get(&link, "").await;
        assert!(!page.text().contains("script") && !page.text().contains("http"));
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'")
        );
        assert_eq!(page.header("access-control-allow-origin"), None);
    }

    #[actix_web::test]
    async fn a_forged_link_unsubscribes_nobody() {
        let (test_app, link) = test_app().await;
        for forged in [
            link.replace("person=c1", "person=c2"),
            link.replace("person=c1", "person=c1&person=c2"),
            link.replace("person=c1", "person=%3Cscript%3E"),
            link.replace("signature=", "signatur="),
            format!("{link}x"),
            link[..link.len() - 1].to_owned(),
            "/mail/unsubscribe".to_owned(),
        ] {
            for answer in [clicked(&test_app, &forged).await, test_app.get(&forged, "").await] {
                assert_eq!(answer.status, 404, "{forged}");
                assert!(!answer.text().contains("<form") && !answer.text().contains("<script"));
            }
        }
        for who in ["c1", "c2"] {
            assert_eq!(frequency(&test_app, who).await, "IMMEDIATE");
        }
    }

    #[actix_web::test]
    async fn while_the_store_is_unavailable_no_success_is_reported() {
        let (test_app, link) = test_app().await;
        test_app.store.set_unavailable(true);
        assert_eq!(clicked(&test_app, &link).await.status, 503);
        test_app.store.set_unavailable(false);
        assert_eq!(frequency(&test_app, "c1").await, "IMMEDIATE");
    }

    #[actix_web::test]
    async fn no_token_is_needed_and_a_bad_one_is_ignored() {
        let (test_app, link) = test_app().await;
        for who in ["s1", "c2", "p1", "expired", "nonsense"] {
            assert_eq!(test_app.ask(request(Method::POST, &link, who)).await.status, 200, "{who}");
        }
    }
}
