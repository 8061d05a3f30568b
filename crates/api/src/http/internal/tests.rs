//! Tests over all routes of the internal API.

use std::fmt;

use actix_web::{http::Method, test::TestRequest};
use serde_json::{Value, json};

use crate::{
    Settings, Surface,
    limits::{self, Rate},
    testing::{Answer, TestApp, no_limits, request},
};

/// A route, a valid body, and the status for a program.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    body: fn() -> Option<Value>,
    status: u16,
}

/// Every route of the internal API. Some depend on the effect of the previous one; the conversation to hold
/// does not exist.
pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::PUT,
        path: "/internal/participants/{id}",
        body: || Some(json!({"role": "client", "firstName": "Zoé"})),
        status: 204,
    },
    Route {
        method: Method::POST,
        path: "/internal/participants:batch",
        body: || Some(json!({"participants": [{"id": "c8", "role": "client"}]})),
        status: 204,
    },
    Route {
        method: Method::POST,
        path: "/internal/appointments/events",
        body: || Some(event("e-1", "booked")),
        status: 202,
    },
    Route {
        method: Method::POST,
        path: "/internal/participants/{id}/revoke",
        body: || Some(json!({"issuedBefore": "2026-01-05T09:00:00Z"})),
        status: 204,
    },
    Route { method: Method::GET, path: "/internal/conversations", body: || None, status: 200 },
    Route {
        method: Method::DELETE,
        path: "/internal/participants/{id}",
        body: || None,
        status: 202,
    },
    Route { method: Method::GET, path: "/internal/erasures/{id}", body: || None, status: 200 },
    Route {
        method: Method::PUT,
        path: "/internal/retention",
        body: || Some(json!({"archiveAfterDays": 90})),
        status: 204,
    },
    Route { method: Method::GET, path: "/internal/retention", body: || None, status: 200 },
    Route {
        method: Method::PUT,
        path: "/internal/retention/salons/{id}",
        body: || Some(json!({"legalHold": true})),
        status: 204,
    },
    Route {
        method: Method::GET,
        path: "/internal/retention/salons/{id}",
        body: || None,
        status: 200,
    },
    Route {
        method: Method::DELETE,
        path: "/internal/retention/salons/{id}",
        body: || None,
        status: 204,
    },
    Route {
        method: Method::PUT,
        path: "/internal/retention/holds/{id}",
        body: || None,
        status: 404,
    },
    Route {
        method: Method::DELETE,
        path: "/internal/retention/holds/{id}",
        body: || None,
        status: 204,
    },
];

/// An event of a booking of `c1` with `s1`.
pub(super) fn event(id: &str, kind: &str) -> Value {
    json!({
        "eventId": id,
        "kind": kind,
        "appointmentId": "rdv-1",
        "salonId": "s1",
        "clientUserId": "c1",
        "service": "TATTOO",
        "startsAt": "2026-02-14T14:30:00+01:00",
        "clientFirstName": "Camille",
        "occurredAt": "2026-01-05T09:00:00Z",
    })
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Route {
    fn asked(&self, who: &str) -> TestRequest {
        let path = self.path.replace("{id}", "c9");
        let query = match self.path {
            "/internal/conversations" => "?salonId=s1&appointmentId=rdv-1",
            _ => "",
        };
        let asked = request(self.method.clone(), &format!("{path}{query}"), who);
        match (self.body)() {
            Some(body) => asked.set_json(body),
            None => asked,
        }
    }

    async fn ask(&self, test_app: &TestApp, who: &str) -> Answer {
        test_app.ask(self.asked(who)).await
    }
}

#[actix_web::test]
async fn programs_may_call_every_route() {
    let test_app = TestApp::new().await;
    for route in ROUTES {
        assert_eq!(route.ask(&test_app, "p1").await.status.as_u16(), route.status, "{route}");
    }
}

#[actix_web::test]
async fn people_are_refused_whoever_they_are() {
    let test_app = TestApp::new().await;
    for route in ROUTES {
        for who in ["s1", "s2", "c1", "c2", "c1+Camille"] {
            let refused = route.ask(&test_app, who).await;
            assert_eq!(refused.failure(), (403, "forbidden".to_owned()), "{route} by {who}");
        }
        for (who, code) in
            [("", "unauthorized"), ("nonsense", "unauthorized"), ("expired", "token_expired")]
        {
            let refused = route.ask(&test_app, who).await;
            assert_eq!(refused.failure(), (401, code.to_owned()), "{route} by {who:?}");
        }
    }
    // Nothing was executed, and no profile in a token was written to the directory.
    let erasure = test_app.get("/internal/erasures/c9", "p1").await;
    assert_eq!(erasure.failure(), (404, "erasure_not_found".to_owned()));
    assert_eq!(test_app.job_notifications(), 0);
}

#[actix_web::test]
async fn unknown_paths_below_the_prefix_are_not_found() {
    let test_app = TestApp::new().await;
    for path in ["/internal", "/internal/", "/internal/participants", "/internal/erasures/a/b"] {
        assert_eq!(
            test_app.get(path, "p1").await.failure(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn there_are_no_cors_headers() {
    let test_app = TestApp::new().await;
    let origin = ("Origin", "http://localhost:3000");
    for route in ROUTES {
        let preflight = request(Method::OPTIONS, &route.path.replace("{id}", "c9"), "")
            .insert_header(origin)
            .insert_header(("Access-Control-Request-Method", route.method.as_str()))
            .insert_header(("Access-Control-Request-Headers", "authorization"));
        let preflight = test_app.ask(preflight).await;
        assert_eq!(preflight.status, 404, "{route}");
        let answer = test_app.ask(route.asked("p1").insert_header(origin)).await;
        for answer in [preflight, answer] {
            assert_eq!(answer.header("access-control-allow-origin"), None, "{route}");
        }
    }
}

#[actix_web::test]
async fn while_the_store_is_unavailable_every_route_says_when_to_retry() {
    let test_app = TestApp::new().await;
    test_app.store.set_unavailable(true);
    for route in ROUTES {
        let answer = route.ask(&test_app, "p1").await;
        assert_eq!(answer.failure(), (503, "unavailable".to_owned()), "{route}");
        assert_eq!(answer.header("retry-after"), Some("1"), "{route}");
    }
    assert_eq!(test_app.job_notifications(), 0, "there are no jobs");
}

#[actix_web::test]
async fn programs_and_people_have_separate_limits() {
    let once = Some(Rate::new(1, 1));
    let limits = limits::Settings {
        internal_requests_per_address: once,
        requests_per_address: Some(Rate::new(2, 1)),
        ..no_limits()
    };
    let test_app = TestApp::with(Settings { limits, ..Settings::default() }).await;
    // Counted before the token is verified.
    assert_eq!(ROUTES[0].ask(&test_app, "nonsense").await.status, 401);
    assert_eq!(ROUTES[0].ask(&test_app, "p1").await.failure(), (429, "rate_limited".to_owned()));
    for _ in 0..2 {
        assert_eq!(test_app.get("/messaging/conversations", "s1").await.status, 200);
    }
}

#[actix_web::test]
async fn with_an_address_of_its_own_it_is_there_and_nowhere_else() {
    use actix_web::test;

    let test_app = TestApp::new().await;
    let status = async |surface, path: &str| {
        let app = test::init_service(test_app.api.app(surface)).await;
        let asked = request(Method::GET, path, "p1").to_request();
        test::call_service(&app, asked).await.status().as_u16()
    };
    let internal = "/internal/retention";
    assert_eq!(status(Surface::All, internal).await, 200);
    assert_eq!(status(Surface::Public, internal).await, 404);
    assert_eq!(status(Surface::Internal, internal).await, 200);
    for surface in [Surface::All, Surface::Public, Surface::Internal] {
        assert_eq!(status(surface, "/health/ready").await, 200, "{surface:?}");
    }
    for path in ["/messaging/conversations", "/socket.io/?EIO=4&transport=polling", "/docs/", "/"] {
        assert_eq!(status(Surface::Internal, path).await, 404, "{path}");
    }
}
