use actix_web::{
    HttpRequest, HttpResponse,
    http::header::ContentType,
    web::{ServiceConfig, get},
};
use serde::Serialize;
use utoipa_swagger_ui::SwaggerUi;

use super::{no_such_route, openapi};
use crate::{asyncapi_json, code::Code, failure::Failure};

/// The documentation: pages, the specification they show, and what each code means.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/docs/errors/{code}", get().to(code))
        .route("/docs/asyncapi.json", get().to(events))
        .service(SwaggerUi::new("/docs/{_:.*}").url("/docs/openapi.json", openapi::openapi()));
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

    use crate::testing::House;

    #[actix_web::test]
    async fn the_documentation_is_served_from_within() {
        let house = House::new().await;
        let page = house.get("/docs/", "").await;
        assert!(page.status == 200 && page.text().contains("swagger-ui"));
        let specification = house.get("/docs/openapi.json", "").await.json();
        assert_eq!(specification["openapi"], "3.1.0");
    }

    #[actix_web::test]
    async fn a_problem_s_type_leads_to_what_it_means() {
        let house = House::new().await;
        assert_eq!(
            house.get("/docs/errors/unauthorized", "").await.json(),
            json!({
                "code": "unauthorized", "status": 401,
                "fr": "Le jeton manque ou n'est pas valable.",
                "en": "The token is missing or not valid.",
            })
        );
        assert_eq!(house.get("/docs/errors/nonsense", "").await.status, 404);
    }
}
