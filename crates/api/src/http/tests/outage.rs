use domain::ports::StoreError;

use super::{Fixture, ROUTES};

#[actix_web::test]
async fn while_the_store_is_unavailable_every_route_says_when_to_retry() {
    let fixture = Fixture::new().await;
    fixture.test_app.store.set_unavailable(true);
    for route in ROUTES {
        let answer = fixture.ask(route, "s1").await;
        assert_eq!(answer.failure(), (503, "unavailable".to_owned()), "{route}");
        assert_eq!(answer.header("retry-after"), Some("1"), "{route}");
        assert_eq!(answer.json()["retryAfterMs"], 1_000, "{route}");
        assert_eq!(answer.json()["error"], "Service Unavailable");
    }
    fixture.test_app.store.set_unavailable(false);
    assert_eq!(fixture.test_app.messages(&fixture.conversation).await, 1);
}

#[actix_web::test]
async fn a_busy_store_is_unavailable() {
    let fixture = Fixture::new().await;
    for route in ROUTES {
        fixture.test_app.store.fail_next(StoreError::Busy("no room".into()));
        assert_eq!(fixture.ask(route, "s1").await.status, 503, "{route}");
    }
}

#[actix_web::test]
async fn an_internal_error_does_not_reveal_its_cause() {
    let fixture = Fixture::new().await;
    for route in ROUTES {
        fixture.test_app.store.fail_next(StoreError::Internal("column secret is missing".into()));
        let answer = fixture.ask(route, "s1").await;
        let body = r#"{"message":"Internal server error","statusCode":500,"code":"internal"}"#;
        assert_eq!((answer.status.as_u16(), answer.text()), (500, body), "{route}");
    }
}
