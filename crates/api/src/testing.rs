//! The test harness: the service on the memory store and fakes.

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

use crate::{Api, Ports, Settings, Surface, limits, links::Links, mail::DevMails};

pub(crate) use answer::Answer;
pub(crate) use forms::{file_part, part, with_form, with_form_body};
pub(crate) use mailgun::{mailgun_signature, reply_token};

/// The service and its fakes. The directory contains the salons `s1` and `s2` and the clients `c1` and
/// `c2`.
pub(crate) struct TestApp {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) files: Arc<MemoryFiles>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) api: Api,
    /// Number of job notifications.
    job_notifications: Arc<AtomicUsize>,
}

impl TestApp {
    /// Without rate limits.
    pub(crate) async fn new() -> Self {
        Self::with(Settings { limits: no_limits(), ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::with_mails(settings, None).await
    }

    /// With the pages for developers that show `dev_mail`.
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

    /// Another node on the same store and files.
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
        let job_notifications = Arc::new(AtomicUsize::new(0));
        let counter = job_notifications.clone();
        let ports = Ports {
            store: store.clone(),
            tokens: Arc::new(Tokens),
            clock: clock.clone(),
            ids: Arc::new(CountingIds::new()),
            files: files.clone(),
            dev_mail,
            job_notifier: Arc::new(move || {
                counter.fetch_add(1, Relaxed);
            }),
        };
        Self { store, files, clock, api: Api::new(settings, ports), job_notifications }
    }

    pub(crate) async fn ask(&self, request: TestRequest) -> Answer {
        let app = test::init_service(self.api.app(Surface::All)).await;
        let response = app.call(request.to_request()).await.expect("failures are responses");
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
    pub(crate) async fn open_conversation(&self) -> String {
        let opened = self.post(CONVERSATIONS, "s1", json!({"clientUserId": "c1"})).await;
        format!("{CONVERSATIONS}/{}", opened.json()["id"].as_str().expect("it has an id"))
    }

    /// Sends a message of `who` to the conversation at the path `conversation`.
    pub(crate) async fn send_message(&self, conversation: &str, who: &str, words: &str) -> Value {
        let sent =
            self.post(&format!("{conversation}/messages"), who, json!({"content": words})).await;
        assert_eq!(sent.status, StatusCode::CREATED);
        sent.json()
    }

    /// Uploads a picture of `who`.
    pub(crate) async fn upload_picture(&self, who: &str) -> Value {
        let asked = request(Method::POST, ATTACHMENTS, who);
        let answer =
            self.ask(with_form(asked, &file_part("bras.webp", b"picture of an arm"))).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()
    }

    /// Serves on a free port, for tests that need real connections.
    pub(crate) fn listen(&self) -> SocketAddr {
        let api = self.api.clone();
        let server = HttpServer::new(move || api.app(Surface::All)).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        address
    }

    /// Number of job notifications.
    pub(crate) fn job_notifications(&self) -> usize {
        self.job_notifications.load(Relaxed)
    }

    /// Number of messages unread by `who`.
    pub(crate) async fn unread(&self, who: &str) -> u64 {
        let total = self.get(&format!("{CONVERSATIONS}/unread/total"), who).await;
        total.json()["totalUnread"].as_u64().expect("a number")
    }

    /// Number of messages in the conversation at the path `conversation`.
    pub(crate) async fn messages(&self, conversation: &str) -> u64 {
        let page = self.get(&format!("{conversation}/messages"), "s1").await;
        page.json()["total"].as_u64().expect("a number")
    }
}

/// Path of conversations.
pub(crate) const CONVERSATIONS: &str = "/messaging/conversations";

/// Path of attachments.
pub(crate) const ATTACHMENTS: &str = "/messaging/attachments";

/// Links with a random key.
pub(crate) fn links() -> Links {
    Links::new(crate::links::Settings::default(), Arc::new(FixedClock::still()))
}

/// Settings without rate limits.
pub(crate) fn no_limits() -> limits::Settings {
    limits::Settings {
        requests_per_address: None,
        requests_per_person: None,
        commands_per_person: None,
        command_bytes_per_person: None,
        reads_per_person: None,
        sends_per_person: None,
        uploads_per_person: None,
        internal_requests_per_address: None,
        connects_per_address: None,
        ..limits::Settings::default()
    }
}

/// A request of `who`, whose id is their token; without a token if it is empty.
pub(crate) fn request(method: Method, path: &str, who: &str) -> TestRequest {
    let request = TestRequest::default().method(method).uri(path);
    if who.is_empty() {
        request
    } else {
        request.insert_header((header::AUTHORIZATION, format!("Bearer {who}")))
    }
}

/// Advances Tokio's clock of this test. Servers on other runtimes are not affected.
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

/// A fake verifier. A token is the user id, whose first letter is the role: salon, client or program. A
/// given name may follow after `+`, another role's letter after `@`, and the millisecond since 1970 in which
/// it was issued at the end, after `!`. The token `expired` has expired.
struct Tokens;

impl TokenVerifier for Tokens {
    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        assert_ne!(token, "panic", "a test wants this verifier to panic");
        if token == "expired" {
            return Err(TokenError::Expired);
        }
        let (token, issued_at) = match token.split_once('!') {
            Some((token, millis)) => {
                (token, millis.parse().ok().and_then(domain::time::Timestamp::from_millis))
            }
            None => (token, None),
        };
        let (id, first_name) = match token.split_once('+') {
            Some((id, name)) => (id, Some(name.to_owned())),
            None => (token, None),
        };
        let (id, role) = id.split_once('@').unwrap_or((id, id));
        let role = match role.as_bytes() {
            [b's', ..] => Role::SalonOwner,
            [b'c', ..] => Role::Client,
            [b'p', ..] => Role::Service,
            _ => return Err(TokenError::Invalid),
        };
        let profile = Profile { first_name, ..Profile::default() };
        Ok(Caller { user: user(id), role, issued_at, expires_at: None, profile })
    }
}
