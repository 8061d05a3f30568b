use super::{Fixture, ROUTES};

/// The status of each route for the salon, the client, another salon and another client, in the order of
/// [`ROUTES`]; the message is the client's.
const ANSWERS: &[[u16; 4]] = &[
    [201, 403, 201, 403],
    [200, 200, 200, 200],
    [200, 200, 200, 200],
    [200, 200, 200, 200],
    [200, 200, 404, 404],
    [200, 403, 404, 404],
    [204, 403, 404, 404],
    [204, 204, 404, 404],
    [201, 201, 404, 404],
    [200, 200, 404, 404],
    [200, 200, 404, 404],
    [200, 200, 404, 404],
    [201, 201, 201, 201],
    [200, 200, 404, 404],
    [202, 202, 202, 202],
    [200, 200, 200, 200],
    [200, 200, 200, 200],
    [200, 200, 200, 200],
    [404, 404, 404, 404],
    [200, 200, 200, 200],
    [403, 204, 404, 404],
    [204, 403, 404, 404],
];

#[actix_web::test]
async fn participants_have_their_own_permissions_and_strangers_find_nothing() {
    assert_eq!(ROUTES.len(), ANSWERS.len());
    for (route, answers) in ROUTES.iter().zip(ANSWERS) {
        for (who, expected) in ["s1", "c1", "s2", "c2"].into_iter().zip(answers) {
            let fixture = Fixture::new().await;
            let answer = fixture.ask(route, who).await;
            assert_eq!(answer.status.as_u16(), *expected, "{route} by {who}");
        }
    }
}

#[actix_web::test]
async fn what_a_stranger_tries_leaves_no_trace() {
    let fixture = Fixture::new().await;
    let before = fixture.test_app.get(&fixture.conversation, "s1").await.json();
    for route in ROUTES.iter().filter(|route| route.path.contains("{id}")) {
        for who in ["s2", "c2", "", "expired", "nonsense"] {
            fixture.ask(route, who).await;
        }
    }
    assert_eq!(fixture.test_app.get(&fixture.conversation, "s1").await.json(), before);
}

#[actix_web::test]
async fn every_route_requires_a_valid_token() {
    let fixture = Fixture::new().await;
    for route in ROUTES {
        for (who, code) in
            [("", "unauthorized"), ("nonsense", "unauthorized"), ("expired", "token_expired")]
        {
            let answer = fixture.ask(route, who).await;
            assert_eq!(answer.failure(), (401, code.to_owned()), "{route} by {who:?}");
        }
    }
}

#[actix_web::test]
async fn programs_are_refused() {
    let fixture = Fixture::new().await;
    for route in ROUTES {
        let answer = fixture.ask(route, "p1").await;
        assert_eq!(answer.failure(), (403, "forbidden".to_owned()), "{route}");
    }
}

#[actix_web::test]
async fn get_requests_change_nothing() {
    let fixture = Fixture::new().await;
    let before = fixture.test_app.get(&fixture.conversation, "s1").await.json();
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        for who in ["s1", "c1"] {
            // The first request starts an export; conversations are unchanged.
            let good = if route.path.ends_with("/me/export") { 202 } else { 200 };
            assert_eq!(fixture.ask(route, who).await.status, good, "{route}");
        }
    }
    assert_eq!(fixture.test_app.get(&fixture.conversation, "s1").await.json(), before);
    assert_eq!(fixture.test_app.unread("s1").await, 1);
}

#[actix_web::test]
async fn a_token_that_tells_of_its_owner_keeps_the_directory_up_to_date() {
    let fixture = Fixture::new().await;
    for name in ["Nora", "Nour"] {
        let who = format!("c1+{name}");
        fixture.test_app.get(&fixture.conversation, &who).await;
        let seen = fixture.test_app.get(&fixture.conversation, "s1").await.json();
        assert_eq!(seen["client"]["firstName"], name);
    }
}
