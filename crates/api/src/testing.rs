//! The service over fakes, and somebody to ask it.

use std::sync::Arc;

use actix_web::{
    dev::Service as _,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    test::{self, TestRequest},
    web::Bytes,
};
use domain::{
    caller::Caller,
    participant::{Profile, Role},
    ports::{Clock as _, ParticipantStore as _, TokenError, TokenVerifier},
    testing::{
        MemoryStore,
        fixture::{CountingIds, FixedClock, client, salon, user},
    },
};
use serde_json::{Value, json};

use crate::{Api, Ports, Settings, limits};

/// The service, and the fakes under it. The directory knows the salons `s1` and `s2` and the
/// clients `c1` and `c2`.
pub(crate) struct House {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) api: Api,
}

impl House {
    /// Without limits on how much anyone may ask for.
    pub(crate) async fn new() -> Self {
        Self::with(Settings { limits: no_limits(), ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(FixedClock::ticking());
        for person in [salon("s1"), salon("s2"), client("c1"), client("c2")] {
            store.note_participant(&person, clock.now()).await.expect("the store works");
        }
        let (tokens, ids) = (Arc::new(Tokens), Arc::new(CountingIds::new()));
        let ports = Ports { store: store.clone(), tokens, clock: clock.clone(), ids };
        Self { store, clock, api: Api::new(settings, ports) }
    }

    /// Another node of the same service.
    pub(crate) fn another(&self, settings: Settings) -> Self {
        let store = self.store.clone();
        let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
        let ports =
            Ports { store: store.clone(), tokens: Arc::new(Tokens), clock: clock.clone(), ids };
        Self { store, clock, api: Api::new(settings, ports) }
    }

    pub(crate) async fn ask(&self, request: TestRequest) -> Answer {
        let app = test::init_service(self.api.app()).await;
        let response = app.call(request.to_request()).await.expect("failures are answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: test::read_body(response).await }
    }

    pub(crate) async fn get(&self, path: &str, who: &str) -> Answer {
        self.ask(request(Method::GET, path, who)).await
    }

    pub(crate) async fn head(&self, path: &str, who: &str) -> Answer {
        self.ask(request(Method::HEAD, path, who)).await
    }

    pub(crate) async fn patch(&self, path: &str, who: &str, body: Value) -> Answer {
        self.ask(request(Method::PATCH, path, who).set_json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, who: &str, body: Value) -> Answer {
        self.ask(request(Method::POST, path, who).set_json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, who: &str) -> Answer {
        self.ask(request(Method::DELETE, path, who)).await
    }

    /// The path of a new conversation between `s1` and `c1`.
    pub(crate) async fn talk(&self) -> String {
        let opened = self.post(CONVERSATIONS, "s1", json!({"clientUserId": "c1"})).await;
        format!("{CONVERSATIONS}/{}", opened.json()["id"].as_str().expect("it has an id"))
    }

    /// The message that `who` sends to the conversation at `talk`.
    pub(crate) async fn said(&self, talk: &str, who: &str, words: &str) -> Value {
        let sent = self.post(&format!("{talk}/messages"), who, json!({"content": words})).await;
        assert_eq!(sent.status, StatusCode::CREATED);
        sent.json()
    }

    /// How many messages wait for `who`.
    pub(crate) async fn unread(&self, who: &str) -> u64 {
        let total = self.get(&format!("{CONVERSATIONS}/unread/total"), who).await;
        total.json()["totalUnread"].as_u64().expect("a number")
    }

    /// How many messages are in the conversation at `talk`.
    pub(crate) async fn messages(&self, talk: &str) -> u64 {
        let page = self.get(&format!("{talk}/messages"), "s1").await;
        page.json()["total"].as_u64().expect("a number")
    }
}

/// Where conversations are.
pub(crate) const CONVERSATIONS: &str = "/messaging/conversations";

/// Settings under which nobody asks for too much.
pub(crate) fn no_limits() -> limits::Settings {
    limits::Settings {
        requests_per_address: None,
        requests_per_person: None,
        commands_per_person: None,
        sends_per_person: None,
        connects_per_address: None,
        ..limits::Settings::default()
    }
}

/// A request by `who`, whose id is their token; by nobody when that is empty.
pub(crate) fn request(method: Method, path: &str, who: &str) -> TestRequest {
    let request = TestRequest::default().method(method).uri(path);
    if who.is_empty() {
        request
    } else {
        request.insert_header((header::AUTHORIZATION, format!("Bearer {who}")))
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status and code of a failure.
    pub(crate) fn failure(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().expect("failures have a code").to_owned();
        (self.status.as_u16(), code)
    }
}

/// The keys of an object, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A token is the id of its owner, whose first letter says what they are. `expired` is a token that
/// has expired; behind a `+` may stand a given name.
struct Tokens;

impl TokenVerifier for Tokens {
    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token == "expired" {
            return Err(TokenError::Expired);
        }
        let (id, first_name) = match token.split_once('+') {
            Some((id, name)) => (id, Some(name.to_owned())),
            None => (token, None),
        };
        let role = match id.as_bytes() {
            [b's', ..] => Role::SalonOwner,
            [b'c', ..] => Role::Client,
            _ => return Err(TokenError::Invalid),
        };
        let profile = Profile { first_name, ..Profile::default() };
        Ok(Caller { user: user(id), role, expires_at: None, profile })
    }
}
