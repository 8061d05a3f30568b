//! A migrated template database.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use storage_pg::{Settings, migrate};

use super::server::{Server, fresh_name};

/// Dropping it drops the database.
pub(crate) struct Template {
    name: String,
    server: Server,
}

impl Template {
    /// The one that tests of this process share, made if there is none.
    pub(crate) fn current() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Template>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = current.upgrade() {
            return template;
        }
        let made = Arc::new(Self::make());
        *current = Arc::downgrade(&made);
        made
    }

    fn make() -> Self {
        let (server, name) = (Server::from_environment(), fresh_name());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Not the runtime of a test, which may be gone while others still copy.
        runtime.expect("a runtime").block_on(async {
            server.run(&format!("CREATE DATABASE {name}")).await;
            let migrated = migrate(&Settings::new(server.url_of(&name))).await;
            migrated.expect("the migrations apply");
        });
        Self { name, server }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        self.server.run_blocking(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
