//! What holds for all routes alike.

mod access;
mod hostile;
mod limits;
mod logs;
mod outage;

use std::fmt;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, CONVERSATIONS, House, request};

/// A route, and a body that it takes.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    body: fn() -> Option<Value>,
}

const fn route(method: Method, path: &'static str, body: fn() -> Option<Value>) -> Route {
    Route { method, path, body }
}

fn none() -> Option<Value> {
    None
}

/// Every route that needs a token.
pub(super) const ROUTES: &[Route] = &[
    route(Method::POST, "/messaging/conversations", || Some(json!({"clientUserId": "c1"}))),
    route(Method::GET, "/messaging/conversations", none),
    route(Method::GET, "/messaging/conversations/unread/total", none),
    route(Method::GET, "/messaging/conversations/unread", none),
    route(Method::GET, "/messaging/conversations/{id}", none),
    route(Method::PATCH, "/messaging/conversations/{id}", || Some(json!({"status": "ARCHIVED"}))),
    route(Method::PATCH, "/messaging/conversations/{id}/archive", none),
    route(Method::PATCH, "/messaging/conversations/{id}/mark-read", none),
    route(Method::POST, "/messaging/conversations/{id}/messages", || Some(json!({"content": "x"}))),
    route(Method::GET, "/messaging/conversations/{id}/messages", none),
    route(Method::GET, "/messaging/conversations/{id}/events", none),
    route(Method::PATCH, "/messaging/messages/{id}/read", none),
    route(Method::DELETE, "/messaging/messages/{id}", none),
    route(Method::DELETE, "/messaging/conversations/{id}", none),
];

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A conversation of `s1` and `c1` with a message of `c1`, and how to ask for them.
struct Scene {
    house: House,
    talk: String,
    message: String,
}

impl Scene {
    async fn new() -> Self {
        let house = House::new().await;
        let talk = house.talk().await;
        let said = house.said(&talk, "c1", "Bonjour").await;
        let message = said["id"].as_str().expect("an id").to_owned();
        Self { house, talk, message }
    }

    fn path(&self, route: &Route) -> String {
        if route.path.starts_with("/messaging/messages") {
            return route.path.replace("{id}", &self.message);
        }
        route.path.replace(&format!("{CONVERSATIONS}/{{id}}"), &self.talk)
    }

    async fn ask(&self, route: &Route, who: &str) -> Answer {
        let asked = request(route.method.clone(), &self.path(route), who);
        self.house
            .ask(match (route.body)() {
                Some(body) => asked.set_json(body),
                None => asked,
            })
            .await
    }
}
