use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding, ContentType},
    web::ServiceConfig,
};
use serde::Serialize;
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::{get_or_head, no_such_route, openapi_json};
use crate::{
    asyncapi_json,
    error::{Code, Failure},
};

/// Path of the specification that the pages show.
const SPECIFICATION: &str = "/docs/openapi.json";

/// Mounts the documentation: Swagger UI, the specifications, and the meaning of each error code.
pub(super) fn configure(config: &mut ServiceConfig) {
    let pages = Arc::new(Config::from(SPECIFICATION));
    config
        .route("/docs/errors/{code}", get_or_head().to(error_code))
        .route("/docs/asyncapi.json", get_or_head().to(asyncapi))
        .route(SPECIFICATION, get_or_head().to(openapi))
        .route("/docs", get_or_head().to(redirect_to_pages))
        .route("/docs/{page:.*}", get_or_head().to(move |request| page(pages.clone(), request)));
}

/// Adds the trailing slash, because the pages use relative URLs.
async fn redirect_to_pages() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// A page or one of its assets.
async fn page(pages: Arc<Config<'static>>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let name = request.match_info().get("page").unwrap_or_default();
    let file = utoipa_swagger_ui::serve(name, pages)
        .map_err(|error| Failure::internal(SwaggerError(error.to_string())))?;
    let Some(SwaggerFile { bytes, content_type, gzpipped, .. }) = file else {
        return no_such_route(request).await;
    };
    let mut response = HttpResponse::Ok();
    if gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response.content_type(content_type).body(bytes.into_owned()))
}

#[derive(Debug, thiserror::Error)]
#[error("Swagger UI failed: {0}")]
struct SwaggerError(String);

/// The specification of the REST API.
async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(openapi_json())
}

/// The specification of the socket API.
async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(asyncapi_json())
}

#[derive(Serialize)]
struct CodeDescription {
    code: &'static str,
    status: u16,
    fr: &'static str,
    en: &'static str,
}

/// The meaning of an error code. The `type` of a problem links here.
async fn error_code(request: HttpRequest) -> Result<HttpResponse, Failure> {
    match request.match_info().get("code").and_then(Code::parse) {
        None => no_such_route(request).await,
        Some(code) => Ok(HttpResponse::Ok().json(CodeDescription {
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
    async fn the_documentation_needs_no_external_resources() {
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
