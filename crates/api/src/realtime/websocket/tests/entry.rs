//! Who is let in.

use serde_json::json;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest as _},
};

use super::Fixture;
use crate::realtime;

#[actix_web::test]
async fn whoever_does_not_say_who_they_are_is_not_let_in() {
    let fixture = Fixture::new().await;
    let auth = |token: &str| json!({ "event": "auth", "data": { "token": token } }).to_string();
    let table = [
        (auth("nonsense"), 4401, "unauthorized"),
        (auth("expired"), 4401, "token_expired"),
        (auth("p1"), 4403, "forbidden"),
        (json!({ "event": "auth" }).to_string(), 4401, "unauthorized"),
        (json!({ "event": "sync", "data": {} }).to_string(), 4400, "bad_message"),
        ("hello".to_owned(), 4400, "bad_message"),
    ];
    for (line, code, word) in table {
        let mut client = fixture.open().await;
        client.say(&line).await;
        assert_eq!(client.closed_with().await, (code, word.to_owned()), "{line}");
    }
}

#[actix_web::test]
async fn who_opens_and_never_speaks_is_closed() {
    let socket = socketio::Config { connect_timeout_ms: 50, ..socketio::Config::default() };
    let fixture = Fixture::with(realtime::Settings { socket, ..Default::default() }).await;
    let closed_with = fixture.open().await.closed_with().await;
    assert_eq!(closed_with, (4408, "authentication_timeout".to_owned()));
}

#[actix_web::test]
async fn a_person_s_connections_are_counted_over_both_doors() {
    let fixture =
        Fixture::with(realtime::Settings { sessions_per_person_max: 1, ..Default::default() })
            .await;
    let _first = fixture.enter("c1").await;
    let mut second = fixture.open().await;
    second.say(&json!({ "event": "auth", "data": { "token": "c1" } }).to_string()).await;
    assert_eq!(second.event("error").await["data"]["code"], "too_many_sessions");
    assert_eq!(second.closed_with().await.0, 4429);
}

#[actix_web::test]
async fn pages_of_foreign_origins_and_plain_requests_are_turned_away() {
    let fixture = Fixture::new().await;
    let mut foreign = fixture.url().into_client_request().expect("a good address");
    foreign.headers_mut().insert("origin", "https://evil.example".parse().expect("a header"));
    let refused = connect_async(foreign).await.expect_err("a foreign page");
    assert!(matches!(refused, Error::Http(response) if response.status() == 400));
    let mut ours = fixture.url().into_client_request().expect("a good address");
    let origin = format!("http://{}", fixture.address).parse().expect("a header");
    ours.headers_mut().insert("origin", origin);
    connect_async(ours).await.expect("a page on the host it calls");
    assert_eq!(fixture.test_app.get("/messaging", "c1").await.status, 426);
}
