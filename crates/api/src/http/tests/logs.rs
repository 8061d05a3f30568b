use std::{cell::RefCell, io, marker::PhantomData, rc::Rc, sync::Once};

use actix_web::http::Method;
use domain::ports::StoreError;
use serde_json::json;
use tracing_subscriber::{
    Layer as _,
    filter::dynamic_filter_fn,
    fmt::{self, format::FmtSpan},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{Fixture, ROUTES};
use crate::testing::request;

thread_local! {
    static RECORDED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Records what is logged on this thread, at every level, with the ends of spans, until it is dropped.
///
/// One subscriber serves all threads. With one for each test, `tracing` decides for all threads whether
/// somebody wants the events of a place in the code by the thread that comes there first: a test
/// would miss what another, without a subscriber, has logged before.
pub(crate) struct Recording(PhantomData<Rc<()>>);

impl Recording {
    pub(crate) fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let is_recording = dynamic_filter_fn(|_, _| RECORDED.with_borrow(Option::is_some));
            let layer = fmt::layer()
                .with_span_events(FmtSpan::CLOSE)
                .with_ansi(false)
                .with_writer(|| Recorder);
            tracing_subscriber::registry().with(layer.with_filter(is_recording)).init();
        });
        RECORDED.set(Some(Vec::new()));
        Self(PhantomData)
    }

    /// Ends it, and returns what was logged.
    pub(crate) fn stop(self) -> String {
        let bytes = RECORDED.take().unwrap_or_default();
        drop(self);
        String::from_utf8(bytes).expect("logs are UTF-8")
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDED.set(None);
    }
}

struct Recorder;

impl io::Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        RECORDED.with_borrow_mut(|recorded| recorded.as_mut().map(|text| text.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn what_people_write_and_who_they_are_stays_out_of_the_log() {
    let fixture = Fixture::new().await;
    let recording = Recording::start();
    for route in ROUTES {
        fixture.ask(route, "s1+Confidential").await;
    }
    let asked = request(
        Method::POST,
        &format!("{}/messages?secret=Confidential", fixture.conversation),
        "c1",
    )
    .insert_header(("User-Agent", "Confidential"))
    .insert_header(("Origin", "https://confidential.example"))
    .peer_addr(([192, 0, 2, 99], 4_000).into())
    .set_json(json!({"content": "Confidential", "type": "Confidential"}));
    fixture.test_app.ask(asked).await;
    fixture.test_app.get("/Confidential", "").await;
    let person = json!({"role": "client", "firstName": "Confidential", "email": "Confidential"});
    fixture.test_app.put("/internal/participants/c7", "p1", person).await;
    let link =
        fixture.test_app.upload_picture("s1").await["fileUrl"].as_str().expect("a link").to_owned();
    fixture.test_app.get(&link, "").await;
    let signature = link.rsplit('=').next().expect("a signature").to_owned();

    let text = recording.stop();
    assert!(text.contains("http.route") && text.contains("request.id"), "nothing was logged");
    for secret in
        ["onfidential", "192.0.2.99", "Bonjour", "Camille", "Bearer", "bras.webp", &signature]
    {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}

#[actix_web::test]
async fn a_fault_of_ours_is_logged_once_with_its_whole_chain() {
    let fixture = Fixture::new().await;
    let recording = Recording::start();
    fixture.test_app.store.fail_next(StoreError::Internal("a column is missing".into()));
    fixture.ask(&ROUTES[1], "s1").await;
    let text = recording.stop();
    assert_eq!(text.matches("the store failed: a column is missing").count(), 1, "{text}");
    assert_eq!(text.matches("ERROR").count(), 1, "{text}");
}

#[test]
fn what_another_thread_has_logged_first_is_recorded_here_all_the_same() {
    fn event() {
        tracing::info!("an event of a place of its own");
    }
    let recording = Recording::start();
    std::thread::spawn(event).join().expect("it does not panic");
    event();
    assert_eq!(recording.stop().matches("a place of its own").count(), 1);
}
