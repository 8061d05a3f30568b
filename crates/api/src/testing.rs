//! The service over fakes, and somebody to ask it.

mod answer;
mod forms;
mod mailgun;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use actix_web::{
    HttpServer,
    dev::Service as _,
    http::{Method, StatusCode, header},
    test::{self, TestRequest},
};
use domain::{
    participant::{Caller, Profile, Role, store::ParticipantStore as _},
    ports::{Clock as _, TokenError, TokenVerifier},
    testing::{
        MemoryStore,
        fixture::{CountingIds, FixedClock, MemoryFiles, client, salon, user},
    },
};
use serde_json::{Value, json};

use crate::{Api, Ports, Settings, limits, links::Links, mail::DevMails};

pub(crate) use answer::Answer;
pub(crate) use forms::{file_part, part, with_form, with_form_body};
pub(crate) use mailgun::{mailgun_signature, reply_token};

/// The service, and the fakes under it. The directory knows the salons `s1` and `s2` and the
/// clients `c1` and `c2`.
pub(crate) struct TestApp {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) files: Arc<MemoryFiles>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) api: Api,
    /// How often it was said that there is work.
    rings: Arc<AtomicUsize>,
}

impl TestApp {
    /// Without limits on how much anyone may ask for.
    pub(crate) async fn new() -> Self {
        Self::with(Settings { limits: no_limits(), ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::with_mails(settings, None).await
    }

    /// With mails to look at.
    pub(crate) async fn with_mails(
        settings: Settings,
        dev_mail: Option<Arc<dyn DevMails>>,
    ) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(FixedClock::ticking());
        for person in [salon("s1"), salon("s2"), client("c1"), client("c2")] {
            store.upsert_participant(&person, clock.now()).await.expect("the store works");
        }
        Self::over(store, clock, Arc::new(MemoryFiles::new()), settings, dev_mail)
    }

    /// Another node of the same service.
    pub(crate) fn another(&self, settings: Settings) -> Self {
        let clock = Arc::new(FixedClock::ticking());
        Self::over(self.store.clone(), clock, self.files.clone(), settings, None)
    }

    fn over(
        store: Arc<MemoryStore>,
        clock: Arc<FixedClock>,
        files: Arc<MemoryFiles>,
        settings: Settings,
        dev_mail: Option<Arc<dyn DevMails>>,
    ) -> Self {
        let rings = Arc::new(AtomicUsize::new(0));
        let bell = rings.clone();
        let ports = Ports {
            store: store.clone(),
            tokens: Arc::new(Tokens),
            clock: clock.clone(),
            ids: Arc::new(CountingIds::new()),
            files: files.clone(),
            dev_mail,
            wake: Arc::new(move || {
                bell.fetch_add(1, Relaxed);
            }),
        };
        Self { store, files, clock, api: Api::new(settings, ports), rings }
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

    pub(crate) async fn put(&self, path: &str, who: &str, body: Value) -> Answer {
        self.ask(request(Method::PUT, path, who).set_json(body)).await
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

    /// The picture that `who` uploads.
    pub(crate) async fn uploaded(&self, who: &str) -> Value {
        let asked = request(Method::POST, ATTACHMENTS, who);
        let answer =
            self.ask(with_form(asked, &file_part("bras.webp", b"picture of an arm"))).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()
    }

    /// Answers on a port of its own, for tests that need real connections.
    pub(crate) fn listen(&self) -> SocketAddr {
        let api = self.api.clone();
        let server = HttpServer::new(move || api.app()).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        address
    }

    /// How often it was said that there is work.
    pub(crate) fn rings(&self) -> usize {
        self.rings.load(Relaxed)
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

/// Where pictures are uploaded.
pub(crate) const ATTACHMENTS: &str = "/messaging/attachments";
/// Links of an application of their own.
pub(crate) fn links() -> Links {
    Links::new(crate::links::Settings::default(), Arc::new(FixedClock::still()))
}

/// Settings under which nobody asks for too much.
pub(crate) fn no_limits() -> limits::Settings {
    limits::Settings {
        requests_per_address: None,
        requests_per_person: None,
        commands_per_person: None,
        sends_per_person: None,
        uploads_per_person: None,
        internal_requests_per_address: None,
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

/// For this test so many seconds pass in an instant. The connections it has open, which are served
/// by another runtime, do not notice.
pub(crate) async fn let_seconds_pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// The keys of an object, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A token is the id of its owner, whose first letter says what they are: a salon, a client or a
/// program. `expired` is a token that
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
            [b'p', ..] => Role::Service,
            _ => return Err(TokenError::Invalid),
        };
        let profile = Profile { first_name, ..Profile::default() };
        Ok(Caller { user: user(id), role, expires_at: None, profile })
    }
}
