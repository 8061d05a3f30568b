use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding, ContentType},
    web::ServiceConfig,
};
use serde::Serialize;
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::{no_such_route, openapi_json, read};
use crate::{
    asyncapi_json,
    error::{Code, Failure},
};

/// Where the pages find the specification they show.
const SPECIFICATION: &str = "/docs/openapi.json";

/// The documentation: pages, the specification they show, and what each code means.
pub(super) fn configure(config: &mut ServiceConfig) {
    let pages = Arc::new(Config::from(SPECIFICATION));
    config
        .route("/docs/errors/{code}", read().to(code))
        .route("/docs/asyncapi.json", read().to(events))
        .route(SPECIFICATION, read().to(requests))
        .route("/docs", read().to(to_the_pages))
        .route("/docs/{page:.*}", read().to(move |request| page(pages.clone(), request)));
}

/// Pages name what belongs to them relative to the folder.
async fn to_the_pages() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// A page, or what belongs to it.
async fn page(pages: Arc<Config<'static>>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let name = request.match_info().get("page").unwrap_or_default();
    let file = utoipa_swagger_ui::serve(name, pages)
        .map_err(|error| Failure::internal(BodyError(error.to_string())))?;
    let Some(SwaggerFile { bytes, content_type, gzpipped, .. }) = file else {
        return no_such_route(request).await;
    };
    let mut answer = HttpResponse::Ok();
    if gzpipped {
        answer.insert_header(ContentEncoding::Gzip);
    }
    Ok(answer.content_type(content_type).body(bytes.into_owned()))
}

#[derive(Debug, thiserror::Error)]
#[error("the pages cannot be shown: {0}")]
struct BodyError(String);

/// The specification of the REST interface.
async fn requests() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(openapi_json())
}

/// The specification of the socket interface.
async fn events() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(asyncapi_json())
}

#[derive(Serialize)]
struct CodeExplained {
    code: &'static str,
    status: u16,
    fr: &'static str,
    en: &'static str,
}

/// What a code means: where the `type` of a problem points to.
async fn code(request: HttpRequest) -> Result<HttpResponse, Failure> {
    match request.match_info().get("code").and_then(Code::parse) {
        None => no_such_route(request).await,
        Some(code) => Ok(HttpResponse::Ok().json(CodeExplained {
            code: code.as_str(),
            status: code.status().as_u16(),
            fr: code.french(),
            en: code.english(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[actix_web::test]
    async fn the_documentation_is_served_from_within() {
        let test_app = TestApp::new().await;
        let page = test_app.get("/docs/", "").await;
        assert!(page.status == 200 && page.text().contains("swagger-ui"));
        let start = test_app.get("/docs/swagger-initializer.js", "").await;
        assert!(start.text().contains("\"/docs/openapi.json\""), "{}", start.text());
        let (code, nothing) = ("not_found".to_owned(), test_app.get("/docs/nothing.js", "").await);
        assert_eq!(nothing.failure(), (404, code));
        let specification = test_app.get("/docs/openapi.json", "").await.json();
        assert_eq!(specification["openapi"], "3.1.0");
    }

    #[actix_web::test]
    async fn the_documentation_is_found_without_the_slash() {
        let answer = TestApp::new().await.get("/docs", "").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (308, Some("/docs/")));
    }

    #[actix_web::test]
    async fn a_problem_s_type_leads_to_what_it_means() {
        let test_app = TestApp::new().await;
        assert_eq!(
            test_app.get("/docs/errors/unauthorized", "").await.json(),
            json!({
                "code": "unauthorized", "status": 401,
                "fr": "Le jeton manque ou n'est pas valable.",
                "en": "The token is missing or not valid.",
            })
        );
        assert_eq!(test_app.get("/docs/errors/nonsense", "").await.status, 404);
    }
}
