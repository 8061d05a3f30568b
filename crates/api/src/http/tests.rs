//! Tests over all routes with a person's token.

mod access;
mod express;
mod hostile;
mod limits;
pub(super) mod logs;
mod outage;

use std::fmt;

use actix_web::{http::Method, test::TestRequest};
use serde_json::{Value, json};

use crate::testing::{ATTACHMENTS, Answer, CONVERSATIONS, TestApp, file_part, request, with_form};

/// A route, and a function that adds a valid body to a request.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    body: fn(TestRequest) -> TestRequest,
}

const fn route(method: Method, path: &'static str, body: fn(TestRequest) -> TestRequest) -> Route {
    Route { method, path, body }
}

fn none(request: TestRequest) -> TestRequest {
    request
}

/// Every route with a person's token.
pub(super) const ROUTES: &[Route] = &[
    route(Method::POST, "/messaging/conversations", |request| {
        request.set_json(json!({"clientUserId": "c1"}))
    }),
    route(Method::GET, "/messaging/conversations", none),
    route(Method::GET, "/messaging/conversations/unread/total", none),
    route(Method::GET, "/messaging/conversations/unread", none),
    route(Method::GET, "/messaging/conversations/{id}", none),
    route(Method::PATCH, "/messaging/conversations/{id}", |request| {
        request.set_json(json!({"status": "ARCHIVED"}))
    }),
    route(Method::PATCH, "/messaging/conversations/{id}/archive", none),
    route(Method::PATCH, "/messaging/conversations/{id}/mark-read", none),
    route(Method::POST, "/messaging/conversations/{id}/messages", |request| {
        request.set_json(json!({"content": "x"}))
    }),
    route(Method::GET, "/messaging/conversations/{id}/messages", none),
    route(Method::GET, "/messaging/conversations/{id}/events", none),
    route(Method::PATCH, "/messaging/messages/{id}/read", none),
    route(Method::POST, "/messaging/attachments", |request| {
        with_form(request, &file_part("Confidential.webp", b"picture"))
    }),
    route(Method::GET, "/messaging/attachments/{id}", none),
    route(Method::GET, "/messaging/me/export", none),
    route(Method::GET, "/notification-preferences", none),
    route(Method::PATCH, "/notification-preferences", |request| {
        request.set_json(json!({"emailFrequency": "DAILY"}))
    }),
    route(Method::PUT, "/notification-preferences", |request| {
        request.set_json(json!({"emailFrequency": "DAILY"}))
    }),
    // Muting an existing conversation is tested in `preferences`; this one does not exist.
    route(Method::POST, "/notification-preferences/mute", |request| {
        request.set_json(json!({"conversationId": "nobody-s"}))
    }),
    route(Method::DELETE, "/notification-preferences/mute/{id}", none),
    route(Method::DELETE, "/messaging/messages/{id}", none),
    route(Method::DELETE, "/messaging/conversations/{id}", none),
];

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A conversation of `s1` and `c1` with a message of `c1` that has a picture.
struct Fixture {
    test_app: TestApp,
    conversation: String,
    message: String,
    attachment: String,
}

impl Fixture {
    async fn new() -> Self {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let text = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let attachment = text(&test_app.upload_picture("c1").await);
        let body = json!({"content": "Bonjour", "attachments": [{"attachmentId": attachment}]});
        let message =
            text(&test_app.post(&format!("{conversation}/messages"), "c1", body).await.json());
        Self { test_app, conversation, message, attachment }
    }

    fn path(&self, route: &Route) -> String {
        if route.path.starts_with("/messaging/messages") {
            return route.path.replace("{id}", &self.message);
        }
        if route.path.starts_with(ATTACHMENTS) {
            return route.path.replace("{id}", &self.attachment);
        }
        if route.path.starts_with("/notification-preferences") {
            let (_, id) = self.conversation.rsplit_once('/').expect("it ends with its id");
            return route.path.replace("{id}", id);
        }
        route.path.replace(&format!("{CONVERSATIONS}/{{id}}"), &self.conversation)
    }

    async fn ask(&self, route: &Route, who: &str) -> Answer {
        let asked = request(route.method.clone(), &self.path(route), who);
        self.test_app.ask((route.body)(asked)).await
    }
}
