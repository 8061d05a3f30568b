//! The server the tests run on.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// The result of a statement as text; NULL is empty.
pub(crate) type Rows = Vec<Vec<String>>;

/// A database of a server, and our login.
#[derive(Clone)]
pub(crate) struct Server {
    url: String,
}

impl Server {
    /// The server that `TEST_DATABASE_URL` names.
    pub(crate) fn from_environment() -> Self {
        let url = env::var("TEST_DATABASE_URL");
        Self { url: url.expect("run the tests with `cargo xtask test`") }
    }

    /// The address of the database `name` on the same server.
    pub(crate) fn url_of(&self, name: &str) -> String {
        let (server, query) = match self.url.split_once('?') {
            Some((server, query)) => (server, format!("?{query}")),
            None => (self.url.as_str(), String::new()),
        };
        let (server, _) = server.rsplit_once('/').expect("the address names a database");
        format!("{server}/{name}{query}")
    }

    /// The database `name` on the same server.
    pub(crate) fn database(&self, name: &str) -> Self {
        Self { url: self.url_of(name) }
    }

    /// A connection.
    pub(crate) async fn session(&self) -> Client {
        let config: Config = self.url.parse().expect("a good address");
        let (client, connection) = config.connect(NoTls).await.expect("the server is there");
        tokio::spawn(connection);
        client
    }

    /// Runs `sql`.
    pub(crate) async fn run(&self, sql: &str) -> Rows {
        rows(&self.session().await, sql).await
    }

    /// Runs `sql` outside of async code.
    pub(crate) fn run_blocking(&self, sql: &str) {
        let (server, sql) = (self.clone(), sql.to_owned());
        let ended = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(server.run(&sql));
        })
        .join();
        assert!(ended.is_ok() || thread::panicking(), "the statement failed");
    }
}

/// A name that no other test takes.
pub(crate) fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("storage_pg_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Runs `sql` over `session`.
pub(crate) async fn rows(session: &Client, sql: &str) -> Rows {
    let messages =
        session.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.get(i).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
