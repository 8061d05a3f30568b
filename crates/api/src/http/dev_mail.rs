//! Pages for developers that show the mails written to a folder instead of being sent.

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
    middleware::{get_or_head, throttle},
};
use crate::{
    error::Failure,
    mail::{DevMail, DevMails, OpenedMail},
    texts::Language,
};

/// Mounts both pages.
pub(super) fn configure(config: &mut ServiceConfig) {
    let mails = web::scope("/dev/mails")
        .route("", get_or_head().to(list))
        .route("/{name}", get_or_head().to(show))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle));
    config.service(mails);
}

/// Lists all mails, newest first.
#[tracing::instrument(name = "http.dev_mail.list", skip_all)]
async fn list(request: HttpRequest, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let Some(mails) = dev_mails(&context) else { return no_such_route(request).await };
    let mails = mails.list().await.map_err(Failure::internal)?;
    let mut body = String::from("<table><tr><th>Date<th>To<th>Subject");
    for DevMail { name, to, subject, date, .. } in &mails {
        let (name, to, subject, date) =
            (Escaped(name), Escaped(to), Escaped(subject), Escaped(date));
        // Writing to a `String` does not fail.
        let _ =
            write!(body, "<tr><td>{date}<td>{to}<td><a href=\"/dev/mails/{name}\">{subject}</a>");
    }
    body.push_str("</table>");
    Ok(html::page(StatusCode::OK, Language::English, "Mails", body))
}

/// Shows one mail. Its HTML is in a sandboxed frame, where nothing can run, load or navigate.
#[tracing::instrument(name = "http.dev_mail.show", skip_all)]
async fn show(request: HttpRequest, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let Some(mails) = dev_mails(&context) else { return no_such_route(request).await };
    let name = request.match_info().get("name").unwrap_or_default();
    let mail = mails.open(name).await.map_err(Failure::internal)?;
    let Some(mail) = mail else { return no_such_route(request).await };
    let OpenedMail { summary, header, text, html } = &mail;
    let mut body = String::from("<p><a href=\"/dev/mails\">All mails</a></p><table>");
    for (name, value) in header {
        // Writing to a `String` does not fail.
        let _ = write!(body, "<tr><th>{}<td>{}", Escaped(name), Escaped(value));
    }
    let (html, text) = (Escaped(html), Escaped(text));
    // Writing to a `String` does not fail.
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

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use async_trait::async_trait;

    use crate::{
        Settings,
        mail::{DevMail, DevMails, OpenedMail},
        testing::{TestApp, no_limits},
    };

    const HOSTILE: &str = "\"><script>alert('1')</script>";

    /// A folder with one mail full of markup, or one that cannot be read.
    struct Folder {
        is_broken: bool,
    }

    fn mail() -> OpenedMail {
        let hostile = |field: &str| format!("{field}{HOSTILE}");
        let summary = DevMail {
            name: "20260105-a.eml".to_owned(),
            from: hostile("from"),
            to: hostile("to"),
            subject: hostile("subject"),
            date: "2026-01-05T09:30:00Z".to_owned(),
        };
        let header = vec![(hostile("name"), hostile("value"))];
        OpenedMail { summary, header, text: hostile("text"), html: hostile("<p>html</p>") }
    }

    #[async_trait]
    impl DevMails for Folder {
        async fn list(&self) -> io::Result<Vec<DevMail>> {
            if self.is_broken { Err(io::Error::other("no disk")) } else { Ok(vec![mail().summary]) }
        }

        async fn open(&self, name: &str) -> io::Result<Option<OpenedMail>> {
            if self.is_broken {
                return Err(io::Error::other("no disk"));
            }
            Ok(Some(mail()).filter(|mail| mail.summary.name == name))
        }
    }

    async fn test_app(is_broken: bool) -> TestApp {
        let settings = Settings { limits: no_limits(), ..Settings::default() };
        TestApp::with_mails(settings, Some(Arc::new(Folder { is_broken }))).await
    }

    #[actix_web::test]
    async fn mails_are_shown_only_if_that_is_configured() {
        let test_app = TestApp::new().await;
        for path in ["/dev/mails", "/dev/mails/20260105-a.eml"] {
            for who in ["", "s1", "p1"] {
                assert_eq!(test_app.get(path, who).await.failure(), (404, "not_found".to_owned()));
            }
        }
    }

    #[actix_web::test]
    async fn a_mail_is_listed_and_shown_in_all_its_forms() {
        let test_app = test_app(false).await;
        let list = test_app.get("/dev/mails", "").await;
        assert!(list.text().contains("<a href=\"/dev/mails/20260105-a.eml\">subject&quot;"));
        let shown = test_app.get("/dev/mails/20260105-a.eml", "").await;
        for part in
            ["<th>name", "<td>value", "<pre>text", "srcdoc=\"&lt;p&gt;html&lt;/p&gt;&quot;&gt;"]
        {
            assert!(shown.text().contains(part), "{part}: {}", shown.text());
        }
        assert!(shown.text().contains("<iframe sandbox title"), "nothing in it is allowed");
    }

    #[actix_web::test]
    async fn nothing_in_a_mail_becomes_markup_or_runs() {
        let test_app = test_app(false).await;
        for path in ["/dev/mails", "/dev/mails/20260105-a.eml"] {
            let page = test_app.get(path, "").await;
            assert!(!page.text().contains("<script"), "{path}: {}", page.text());
            let policy = page.header("content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none';") && !policy.contains("script"));
        }
    }

    #[actix_web::test]
    async fn an_unknown_mail_is_not_found_and_an_unreadable_folder_is_an_internal_error() {
        let whole = test_app(false).await;
        for name in ["nothing.eml", "..%2F..%2Fetc%2Fpasswd", "a/b"] {
            assert_eq!(whole.get(&format!("/dev/mails/{name}"), "").await.status, 404, "{name}");
        }
        let broken = test_app(true).await;
        for path in ["/dev/mails", "/dev/mails/20260105-a.eml"] {
            assert_eq!(broken.get(path, "").await.failure(), (500, "internal".to_owned()));
        }
    }
}
