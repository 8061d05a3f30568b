//! The Socket.IO endpoint over real connections.

mod bounds;
mod client;
mod commands;
mod files;
mod leaving;
mod recovery;
mod takeover;
use std::net::SocketAddr;

use client::Client;

use crate::{
    Settings, realtime,
    realtime::recovery_token::RecoveryKey,
    testing::{TestApp, no_limits},
};

/// The service on a port of its own.
struct Node {
    test_app: TestApp,
    address: SocketAddr,
}

impl Node {
    async fn new() -> Self {
        Self::with(realtime::Settings::default()).await
    }

    async fn with(realtime: realtime::Settings) -> Self {
        Self::serve(TestApp::with(settings(realtime)).await)
    }

    /// Another node of the same service, with a key that follows from `secret`.
    fn another(&self, secret: &str) -> Self {
        let recovery_key = Some(RecoveryKey::derived_from(secret.as_bytes()));
        let realtime = realtime::Settings { recovery_key, ..realtime::Settings::default() };
        let test_app =
            self.test_app.another(Settings { realtime, ..settings(realtime::Settings::default()) });
        Self::serve(test_app)
    }

    fn serve(test_app: TestApp) -> Self {
        let address = test_app.listen();
        Self { test_app, address }
    }

    /// Nothing has happened here for `millis` milliseconds.
    fn let_pass(&self, millis: i64) {
        self.test_app.clock.advance_millis(millis);
    }

    /// A conversation between `s1` and `c1`: its path and its id.
    async fn talk(&self) -> (String, String) {
        let path = self.test_app.open_conversation().await;
        let id = path.rsplit('/').next().expect("an id").to_owned();
        (path, id)
    }
}

fn settings(realtime: realtime::Settings) -> Settings {
    let recovery_key = Some(RecoveryKey::derived_from(b"a secret"));
    let realtime = realtime::Settings { recovery_key, ..realtime };
    Settings { realtime, limits: no_limits(), ..Settings::default() }
}
