//! Databases for the duration of a test.

mod server;
mod template;

use std::{ops::Deref, sync::Arc};

use storage_pg::{PgStore, Settings};

pub(crate) use server::{Rows, Server};
use template::Template;

/// A store on its own empty database. Dropping it drops the database.
pub(crate) struct Scratch {
    store: PgStore,
    settings: Settings,
    name: String,
    server: Server,
    _template: Arc<Template>,
}

impl Scratch {
    /// With the default bounds.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With other bounds.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let server = Server::from_environment();
        let template = tokio::task::spawn_blocking(Template::current).await;
        let template = template.expect("the template is made without a panic");
        let name = server::fresh_name();
        server.run(&format!("CREATE DATABASE {name} TEMPLATE {}", template.name())).await;
        let mut settings = Settings::new(server.url_of(&name));
        adjust(&mut settings);
        let store = PgStore::new(&settings).expect("good settings");
        Self { store, settings, name, server, _template: template }
    }

    /// Another store on the same database, as another node has it.
    pub(crate) fn another(&self, adjust: impl FnOnce(&mut Settings)) -> PgStore {
        let mut settings = self.settings.clone();
        adjust(&mut settings);
        PgStore::new(&settings).expect("good settings")
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// The name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `sql` beside the store.
    pub(crate) async fn sql(&self, sql: &str) -> Rows {
        self.server.database(&self.name).run(sql).await
    }

    /// The single number that `sql` returns.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.sql(sql).await[0][0].parse().expect("a number")
    }

    /// A connection beside the store, for as long as it is held.
    pub(crate) async fn session(&self) -> tokio_postgres::Client {
        self.server.database(&self.name).session().await
    }
}

impl Deref for Scratch {
    type Target = PgStore;

    fn deref(&self) -> &PgStore {
        &self.store
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.server.run_blocking(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
