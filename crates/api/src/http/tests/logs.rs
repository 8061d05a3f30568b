use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use actix_web::http::Method;
use domain::ports::StoreError;
use serde_json::json;
use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use super::{Fixture, ROUTES};
use crate::testing::request;

/// Captures everything logged on this thread, at every level, with the ends of spans.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("nobody panicked");
        String::from_utf8(bytes.clone()).expect("logs are UTF-8")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[actix_web::test]
async fn what_people_write_and_who_they_are_stays_out_of_the_log() {
    let fixture = Fixture::new().await;
    let log = Log::default();
    let listening = log.listen();
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
    drop(listening);

    let text = log.text();
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
    let log = Log::default();
    let listening = log.listen();
    fixture.test_app.store.fail_next(StoreError::Internal("a column is missing".into()));
    fixture.ask(&ROUTES[1], "s1").await;
    drop(listening);
    let text = log.text();
    assert_eq!(text.matches("the store failed: a column is missing").count(), 1, "{text}");
    assert_eq!(text.matches("ERROR").count(), 1, "{text}");
}
