//! A small HTTP server for the files of the guide, which records the requested ones.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Path},
};
use testkit::{Fault, clients, fault::same};

use crate::guide::Files;

/// The library, as the page of the guide imports it.
const LIBRARY: &str = "socket.io.esm.min.js";
/// Its folder, as the guide says.
const LIBRARY_FOLDER: &str = "node_modules/socket.io-client/dist";
/// Browsers ask for it on their own.
const ICON: &str = "favicon.ico";

/// Stops when dropped.
pub(crate) struct GuideServer {
    port: u16,
    files: Arc<Files>,
    taken: Arc<Mutex<BTreeSet<String>>>,
    handle: ServerHandle,
}

struct Shelf {
    files: Arc<Files>,
    taken: Arc<Mutex<BTreeSet<String>>>,
}

impl GuideServer {
    /// Listens on a free port, and hands out these files.
    pub(crate) fn open(files: Files) -> Result<Self, Fault> {
        let (files, taken) = (Arc::new(files), Arc::new(Mutex::default()));
        let guide = Data::new(Shelf { files: files.clone(), taken: taken.clone() });
        let app =
            move || App::new().app_data(guide.clone()).route("/{name}", web::get().to(hand_out));
        let listener = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .map_err(Fault::while_doing("listen for the browser"))?;
        let port = listener.addrs().first().map_or(0, SocketAddr::port);
        let listener = listener.run();
        let handle = listener.handle();
        tokio::spawn(listener);
        Ok(Self { port, files, taken, handle })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Checks that every file of the guide was requested, and no other.
    pub(crate) fn is_used_up(&self) -> Result<(), Fault> {
        let mut expected: BTreeSet<_> = self.files.keys().cloned().collect();
        expected.insert(LIBRARY.to_owned());
        same("files taken from the guide", lock(&self.taken).clone(), expected)
    }
}

impl Drop for GuideServer {
    fn drop(&mut self) {
        // Begins to stop at once; nobody needs to see it stopped.
        drop(self.handle.stop(false));
    }
}

fn lock(taken: &Mutex<BTreeSet<String>>) -> MutexGuard<'_, BTreeSet<String>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn hand_out(guide: Data<Shelf>, name: Path<String>) -> HttpResponse {
    if *name == ICON {
        return HttpResponse::NotFound().finish();
    }
    lock(&guide.taken).insert(name.clone());
    let mut found = HttpResponse::Ok();
    found.content_type(if name.ends_with(".html") { "text/html" } else { "text/javascript" });
    if *name == LIBRARY {
        let library = clients::folder().join(LIBRARY_FOLDER).join(LIBRARY);
        return match tokio::fs::read(library).await {
            Ok(bytes) => found.body(bytes),
            Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
        };
    }
    match guide.files.get(&*name) {
        Some(text) => found.body(text.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
