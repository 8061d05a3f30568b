//! A small HTTP server for the clients: serves pages and the script, and accepts requests and the result.

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

/// A request of a client.
pub(crate) enum ClientRequest {
    /// Kill and restart the server, then send.
    Restart(oneshot::Sender<()>),
    /// The result: empty is a success.
    Result(String),
}

/// Stops when dropped.
pub(crate) struct ControlServer {
    port: u16,
    requests: mpsc::UnboundedReceiver<ClientRequest>,
    script: Arc<RwLock<String>>,
    handle: ServerHandle,
}

struct ServerState {
    folder: PathBuf,
    requests: mpsc::UnboundedSender<ClientRequest>,
    script: Arc<RwLock<String>>,
}

/// The served files: name, folder, media type.
const FILES: [(&str, &str, &str); 5] = [
    ("perform-in-browser.html", "", "text/html"),
    ("perform.mjs", "", "text/javascript"),
    ("scenario.mjs", "", "text/javascript"),
    ("tab.mjs", "", "text/javascript"),
    ("socket.io.esm.min.js", "node_modules/socket.io-client/dist", "text/javascript"),
];

impl ControlServer {
    /// Listens on a free port, and serves files of this folder.
    pub(crate) fn start(folder: PathBuf) -> Result<Self, Fault> {
        let (request_sender, requests) = mpsc::unbounded_channel();
        let script = Arc::new(RwLock::default());
        let state =
            Data::new(ServerState { folder, requests: request_sender, script: script.clone() });
        let app = move || {
            App::new()
                .app_data(state.clone())
                .route("/script", web::get().to(get_script))
                .route("/restart", web::post().to(restart))
                .route("/result", web::post().to(result))
                .route("/{name}", web::get().to(get_file))
        };
        let listener = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .map_err(Fault::while_doing("listen for clients"))?;
        let port = listener.addrs().first().map_or(0, std::net::SocketAddr::port);
        let listener = listener.run();
        let handle = listener.handle();
        tokio::spawn(listener);
        Ok(Self { port, requests, script, handle })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sets the script that clients load.
    pub(crate) fn set_script(&self, script: &Value) {
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = script.to_string();
    }

    /// The next request of a client.
    pub(crate) async fn next_request(&mut self) -> Result<ClientRequest, Fault> {
        self.requests.recv().await.ok_or_else(|| Fault::new("the control server has stopped"))
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // Begins to stop; nothing waits for it.
        drop(self.handle.stop(false));
    }
}

async fn get_script(state: Data<ServerState>) -> HttpResponse {
    let script = state.script.read().unwrap_or_else(PoisonError::into_inner).clone();
    HttpResponse::Ok().content_type("application/json").body(script)
}

async fn restart(state: Data<ServerState>) -> HttpResponse {
    let (done, is_done) = oneshot::channel();
    match state.requests.send(ClientRequest::Restart(done)) {
        Ok(()) if is_done.await.is_ok() => HttpResponse::NoContent().finish(),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

async fn result(state: Data<ServerState>, failure: String) -> HttpResponse {
    match state.requests.send(ClientRequest::Result(failure)) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn get_file(state: Data<ServerState>, name: Path<String>) -> HttpResponse {
    let file = FILES.iter().find(|(known, ..)| *known == *name);
    let Some((name, place, kind)) = file else { return HttpResponse::NotFound().finish() };
    match tokio::fs::read(state.folder.join(place).join(name)).await {
        Ok(bytes) => HttpResponse::Ok().content_type(*kind).body(bytes),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}
