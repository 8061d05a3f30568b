//! The way out of all mail: a link in each mail, good without a token, because it is signed. Programs
//! of mail providers post to it unasked (RFC 8058), people see a page that asks.

#[cfg(test)]
mod tests;
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
    middleware::{read, throttle},
};
use crate::{error::Failure, input::link_query, texts, texts::Text};

/// Both routes. There are no CORS headers: no page of another origin has any business here.
pub(super) fn configure(config: &mut ServiceConfig) {
    let mail = web::scope("/mail")
        .route("/unsubscribe", read().to(ask))
        .route("/unsubscribe", post().to(end))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle));
    config.service(mail);
}

/// Asks a person whether they want no more mail. Changes nothing: programs follow links too.
#[utoipa::path(
    get, path = "/mail/unsubscribe", tag = "mail", operation_id = "askToUnsubscribe",
    params(
        ("person" = String, Query, max_length = 64, description = "Whose mail."),
        ("signature" = String, Query, description = "Shows that the link was made here."),
    ),
    responses(
        (status = 200, description = "A page with one button", content_type = "text/html"),
        (status = 404, description = "A page: the link was not made here", content_type = "text/html"),
    ),
    security(()),
)]
#[tracing::instrument(name = "http.mail.ask", skip_all)]
pub(crate) async fn ask(request: HttpRequest, context: Data<Context>) -> HttpResponse {
    let language = language(request.headers());
    if person(&request, &context).is_none() {
        return said(&request, StatusCode::NOT_FOUND, &texts::UNSUBSCRIBE_NOT_FOUND);
    }
    let question = html::Escaped(texts::UNSUBSCRIBE_QUESTION.say(language)).to_string();
    let button = html::Escaped(texts::UNSUBSCRIBE_BUTTON.say(language)).to_string();
    // The form goes where the page came from, so nothing of the link has to stand in it.
    let body = format!("<p>{question}</p><form method=\"post\"><button>{button}</button></form>");
    html::page(StatusCode::OK, language, texts::UNSUBSCRIBE_TITLE.say(language), body)
}

/// Ends all mail to a person: one request, without a token, and no redirect. Repeated, it changes
/// nothing.
#[utoipa::path(
    post, path = "/mail/unsubscribe", tag = "mail", operation_id = "unsubscribe",
    params(
        ("person" = String, Query, max_length = 64, description = "Whose mail."),
        ("signature" = String, Query, description = "Shows that the link was made here."),
    ),
    responses(
        (status = 200, description = "A page: there will be no more mail", content_type = "text/html"),
        (status = 404, description = "A page: the link was not made here", content_type = "text/html"),
        (status = 503, description = "A page: to be tried again", content_type = "text/html"),
    ),
    security(()),
)]
#[tracing::instrument(name = "http.mail.end", skip_all)]
pub(crate) async fn end(request: HttpRequest, context: Data<Context>) -> HttpResponse {
    let Some(person) = person(&request, &context) else {
        return said(&request, StatusCode::NOT_FOUND, &texts::UNSUBSCRIBE_NOT_FOUND);
    };
    match context.services.preferences.unsubscribe(&person).await {
        Ok(()) => said(&request, StatusCode::OK, &texts::UNSUBSCRIBED),
        Err(error) => {
            let failure = Failure::from(error);
            failure.log();
            said(&request, failure.code().status(), &texts::UNSUBSCRIBE_LATER)
        }
    }
}

/// Whose link it is, if it is one.
fn person(request: &HttpRequest, context: &Context) -> Option<UserId> {
    let (person, signature) = link_query(request.query_string())?;
    context.unsubscribe.check(&person, &signature)
}

fn said(request: &HttpRequest, status: StatusCode, text: &Text) -> HttpResponse {
    let language = language(request.headers());
    let body = format!("<p>{}</p>", html::Escaped(text.say(language)));
    html::page(status, language, texts::UNSUBSCRIBE_TITLE.say(language), body)
}
