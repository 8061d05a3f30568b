//! A small HTTP server for those who play: hands out pages and the script, takes requests and the result.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Path},
};
use serde_json::Value;
use testkit::Fault;
use tokio::sync::{mpsc, oneshot};

/// What a player wants.
pub(crate) enum Cue {
    /// The server killed and started again; then to be told.
    Restart(oneshot::Sender<()>),
    /// Nothing more: it went well if this is empty.
    Result(String),
}

/// The listener; gone when dropped.
pub(crate) struct Stagehand {
    port: u16,
    cues: mpsc::UnboundedReceiver<Cue>,
    script: Arc<RwLock<String>>,
    handle: ServerHandle,
}

struct Props {
    folder: PathBuf,
    cues: mpsc::UnboundedSender<Cue>,
    script: Arc<RwLock<String>>,
}

/// What is handed out: a name, where it lies, and what it is.
const FILES: [(&str, &str, &str); 5] = [
    ("perform-in-browser.html", "", "text/html"),
    ("perform.mjs", "", "text/javascript"),
    ("scenario.mjs", "", "text/javascript"),
    ("tab.mjs", "", "text/javascript"),
    ("socket.io.esm.min.js", "node_modules/socket.io-client/dist", "text/javascript"),
];

impl Stagehand {
    /// Listens on a free port, and hands out files of this folder.
    pub(crate) fn employ(folder: PathBuf) -> Result<Self, Fault> {
        let (cues_given, cues) = mpsc::unbounded_channel();
        let script = Arc::new(RwLock::default());
        let props = Data::new(Props { folder, cues: cues_given, script: script.clone() });
        let app = move || {
            App::new()
                .app_data(props.clone())
                .route("/script", web::get().to(hand_out_script))
                .route("/restart", web::post().to(restart))
                .route("/result", web::post().to(result))
                .route("/{name}", web::get().to(hand_out_file))
        };
        let listener = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .map_err(Fault::while_doing("listen for those who play"))?;
        let port = listener.addrs().first().map_or(0, std::net::SocketAddr::port);
        let listener = listener.run();
        let handle = listener.handle();
        tokio::spawn(listener);
        Ok(Self { port, cues, script, handle })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Has this script ready.
    pub(crate) fn hand_out(&self, script: &Value) {
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = script.to_string();
    }

    /// What is wanted next.
    pub(crate) async fn cue(&mut self) -> Result<Cue, Fault> {
        self.cues.recv().await.ok_or_else(|| Fault::new("the stagehand is gone"))
    }
}

impl Drop for Stagehand {
    fn drop(&mut self) {
        // Begins to stop at once; nobody needs to see it stopped.
        drop(self.handle.stop(false));
    }
}

async fn hand_out_script(props: Data<Props>) -> HttpResponse {
    let script = props.script.read().unwrap_or_else(PoisonError::into_inner).clone();
    HttpResponse::Ok().content_type("application/json").body(script)
}

async fn restart(props: Data<Props>) -> HttpResponse {
    let (done, is_done) = oneshot::channel();
    match props.cues.send(Cue::Restart(done)) {
        Ok(()) if is_done.await.is_ok() => HttpResponse::NoContent().finish(),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

async fn result(props: Data<Props>, failure: String) -> HttpResponse {
    match props.cues.send(Cue::Result(failure)) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn hand_out_file(props: Data<Props>, name: Path<String>) -> HttpResponse {
    let file = FILES.iter().find(|(known, ..)| *known == *name);
    let Some((name, place, kind)) = file else { return HttpResponse::NotFound().finish() };
    match tokio::fs::read(props.folder.join(place).join(name)).await {
        Ok(bytes) => HttpResponse::Ok().content_type(*kind).body(bytes),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}
