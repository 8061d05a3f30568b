use actix_web::http::{Method, header};
use serde_json::json;

use crate::{
    Settings,
    http::tests::logs::Recording,
    origins::Origins,
    testing::{Answer, TestApp, request},
};

const OURS: &str = "https://salon.example";
const ALSO_OURS: &str = "https://app.salon.example";
const FOREIGN: &str = "https://evil.example";
const HOST: &str = "messages.example";
const SAME_HOST: &str = "https://messages.example";

async fn app() -> TestApp {
    let mut settings = Settings::default();
    settings.http.origins = Origins::new([OURS, ALSO_OURS]).expect("good origins");
    TestApp::with(settings).await
}

async fn ask(app: &TestApp, method: Method, query: &str, origin: Option<&str>) -> Answer {
    let path = format!("/socket.io/?EIO=4&transport={query}");
    let asked = request(method, &path, "").insert_header((header::HOST, HOST));
    let asked = match origin {
        Some(origin) => asked.insert_header((header::ORIGIN, origin)),
        None => asked,
    };
    app.ask(asked.set_payload("40")).await
}

/// Opens a session from a page of `origin`; returns its id.
async fn opened(app: &TestApp, origin: Option<&str>) -> String {
    let answer = ask(app, Method::GET, "polling", origin).await;
    let text = String::from_utf8(answer.bytes().to_vec()).expect("a text");
    let open: serde_json::Value = serde_json::from_str(&text[1..]).expect("an OPEN packet");
    open["sid"].as_str().expect("an id").to_owned()
}

#[actix_web::test]
async fn every_request_of_a_session_comes_from_the_page_that_opened_it() {
    let app = app().await;
    let good = [
        (Some(OURS), Some(OURS)),
        (None, None),
        // A browser sends no origin with `GET` to the host of the page, and one with `POST` and upgrades.
        (None, Some(SAME_HOST)),
        (Some(SAME_HOST), Some(SAME_HOST)),
    ];
    for (opener, origin) in good {
        let sid = opened(&app, opener).await;
        let answer = ask(&app, Method::POST, &format!("polling&sid={sid}"), origin).await;
        assert_eq!(answer.status, 200, "{opener:?} {origin:?}");
    }
    let bad = [
        (Some(OURS), Some(ALSO_OURS)),
        (Some(OURS), Some(FOREIGN)),
        (Some(OURS), None),
        (None, Some(FOREIGN)),
        (None, Some("null")),
    ];
    for (opener, origin) in bad {
        let sid = opened(&app, opener).await;
        for (method, query) in [
            (Method::GET, format!("polling&sid={sid}")),
            (Method::POST, format!("polling&sid={sid}")),
            (Method::GET, format!("websocket&sid={sid}")),
        ] {
            let answer = ask(&app, method, &query, origin).await;
            assert_eq!(answer.status, 400, "{opener:?} {origin:?} {query}");
            assert_eq!(answer.json(), json!({ "code": 3, "message": "Bad request" }));
        }
        // The session is as it was.
        let answer = ask(&app, Method::POST, &format!("polling&sid={sid}"), opener).await;
        assert_eq!(answer.status, 200, "{opener:?}");
    }
}

#[actix_web::test]
async fn the_id_of_a_session_stays_out_of_the_log() {
    let app = app().await;
    let recording = Recording::start();
    let sid = opened(&app, Some(OURS)).await;
    for origin in [OURS, FOREIGN] {
        ask(&app, Method::POST, &format!("polling&sid={sid}"), Some(origin)).await;
    }
    ask(&app, Method::GET, &format!("nonsense&sid={sid}"), Some(OURS)).await;
    let text = recording.stop();
    assert!(text.contains("/socket.io"), "requests are logged by their route: {text}");
    assert!(!text.contains(&sid), "{text}");
}
