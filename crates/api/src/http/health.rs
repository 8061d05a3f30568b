use actix_web::{HttpResponse, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::context::Context;
use crate::readiness::Report;

/// Liveness of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Liveness {
    /// Always `ok`.
    status: &'static str,
}

/// Readiness of this node, and which part is not ready.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadinessBody {
    /// `ready` or `unready`.
    status: &'static str,
    /// `up`, or `down` if it does not answer in time.
    store: &'static str,
    /// `serving`, or `draining` while the node shuts down.
    node: &'static str,
}

impl From<Report> for ReadinessBody {
    fn from(report: Report) -> Self {
        Self {
            status: if report.is_ready() { "ready" } else { "unready" },
            store: if report.store { "up" } else { "down" },
            node: if report.serving { "serving" } else { "draining" },
        }
    }
}

/// Liveness probe. Checks no dependencies.
#[utoipa::path(
    get, path = "/health/live", tag = "health", operation_id = "isAlive",
    responses((status = 200, description = "The process is alive", body = Liveness)),
    security(()),
)]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Liveness { status: "ok" })
}

/// Readiness probe: whether this node should receive traffic.
#[utoipa::path(
    get, path = "/health/ready", tag = "health", operation_id = "isReady",
    responses(
        (status = 200, description = "Ready", body = ReadinessBody),
        (status = 503, description = "Not ready", body = ReadinessBody),
    ),
    security(()),
)]
pub(crate) async fn ready(context: Data<Context>) -> HttpResponse {
    let report = context.readiness.report().await;
    let mut response =
        if report.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(ReadinessBody::from(report))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::Method;
    use serde_json::json;

    use crate::testing::{TestApp, request};

    #[actix_web::test]
    async fn a_node_is_ready_while_its_store_answers_and_alive_in_any_case() {
        let test_app = TestApp::new().await;
        let ready = || test_app.get("/health/ready", "");
        let up = json!({"status": "ready", "store": "up", "node": "serving"});
        assert_eq!((ready().await.status.as_u16(), ready().await.json()), (200, up));
        test_app.store.set_unavailable(true);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        let down = json!({"status": "unready", "store": "down", "node": "serving"});
        assert_eq!((ready().await.status.as_u16(), ready().await.json()), (503, down));
        assert_eq!(test_app.get("/health/live", "").await.json(), json!({"status": "ok"}));
    }

    #[actix_web::test]
    async fn a_node_that_goes_down_is_not_ready_and_still_answers() {
        let test_app = TestApp::new().await;
        test_app.api.close(Duration::from_secs(1)).await;
        let draining = json!({"status": "unready", "store": "up", "node": "draining"});
        assert_eq!(test_app.get("/health/ready", "").await.json(), draining);
        assert!(!test_app.api.readiness().report().await.is_ready());
        let answer = test_app.ask(request(Method::GET, "/messaging/conversations", "s1")).await;
        assert_eq!(answer.status, 200);
    }
}
