//! Mails that did not leave, as a person would see them: for those who develop.

#[cfg(test)]
mod tests;
use std::{fmt::Write as _, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};

use super::{
    context::Context,
    html::{self, Escaped},
    middleware::no_such_route,
    middleware::{read, throttle},
};
use crate::{
    error::Failure,
    mail::{DevMail, DevMails, OpenedMail},
    texts::Language,
};

/// Both pages.
pub(super) fn configure(config: &mut ServiceConfig) {
    let mails = web::scope("/dev/mails")
        .route("", read().to(list))
        .route("/{name}", read().to(show))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle));
    config.service(mails);
}

/// All of them, the newest first.
#[tracing::instrument(name = "http.dev_mail.list", skip_all)]
async fn list(request: HttpRequest, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let Some(mails) = dev_mails(&context) else { return no_such_route(request).await };
    let mails = mails.list().await.map_err(Failure::internal)?;
    let mut body = String::from("<table><tr><th>Date<th>To<th>Subject");
    for DevMail { name, to, subject, date, .. } in &mails {
        let (name, to, subject, date) =
            (Escaped(name), Escaped(to), Escaped(subject), Escaped(date));
        // Writing into a text does not fail.
        let _ =
            write!(body, "<tr><td>{date}<td>{to}<td><a href=\"/dev/mails/{name}\">{subject}</a>");
    }
    body.push_str("</table>");
    Ok(html::page(StatusCode::OK, Language::English, "Mails", body))
}

/// One of them. Its HTML is shown where nothing of it can run, load or lead anywhere.
#[tracing::instrument(name = "http.dev_mail.show", skip_all)]
async fn show(request: HttpRequest, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let Some(mails) = dev_mails(&context) else { return no_such_route(request).await };
    let name = request.match_info().get("name").unwrap_or_default();
    let mail = mails.open(name).await.map_err(Failure::internal)?;
    let Some(mail) = mail else { return no_such_route(request).await };
    let OpenedMail { summary, header, text, html } = &mail;
    let mut body = String::from("<p><a href=\"/dev/mails\">All mails</a></p><table>");
    for (name, value) in header {
        // Writing into a text does not fail.
        let _ = write!(body, "<tr><th>{}<td>{}", Escaped(name), Escaped(value));
    }
    let (html, text) = (Escaped(html), Escaped(text));
    // Writing into a text does not fail.
    let _ = write!(
        body,
        "</table><h2>HTML</h2><iframe sandbox title=\"HTML\" srcdoc=\"{html}\"></iframe>\
         <h2>Text</h2><pre>{text}</pre>"
    );
    Ok(html::page(StatusCode::OK, Language::English, &summary.subject, body))
}

fn dev_mails(context: &Context) -> Option<Arc<dyn DevMails>> {
    context.dev_mail.clone()
}
