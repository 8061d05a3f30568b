//! A former system, and ours beside it.

use std::sync::Arc;

use domain::{import::store::ImportStore, ports::Clock, testing::fixture::FixedClock};
use importer::{ImportError, Refused, Settings, Tally, Watcher, import};
use storage_pg::PgStore;
use testkit::{
    database::Database,
    reference::{self, Size},
    tokio_postgres::Client,
};

/// Enough for every kind of row, and quick.
const SMALL: Size = Size { conversations: 60, messages: 900 };

/// Why everything can be asked.
pub(crate) const ANSWERS: &str = "the database answers";

/// A database that holds the former system's tables, and ours.
pub(crate) struct Fixture {
    pub(crate) store: Arc<PgStore>,
    pub(crate) client: Client,
    pub(crate) clock: Arc<FixedClock>,
    database: Database,
}

impl Fixture {
    /// A small one.
    pub(crate) async fn small() -> Self {
        Self::of(SMALL).await
    }

    /// One of the given size.
    pub(crate) async fn of(size: Size) -> Self {
        let database = Database::fresh().await.expect(ANSWERS);
        let client = database.client().await.expect(ANSWERS);
        reference::fill(&client, size).await.expect(ANSWERS);
        let settings = storage_pg::Settings::new(database.url());
        storage_pg::migrate(&settings).await.expect("the migrations apply");
        let store = PgStore::new(&settings).expect("good settings");
        Self { store: Arc::new(store), client, clock: Arc::new(FixedClock::still()), database }
    }

    /// The usual settings, in small pages.
    pub(crate) fn settings(&self) -> Settings {
        let source = self.database.url().parse().expect("a good address");
        let usual = Settings::new(source);
        Settings { page_rows_max: 25, page_messages_max: 200, ..usual }
    }

    /// Moves in, to the end.
    pub(crate) async fn import(&self) -> (Tally, Told) {
        let moved = self.import_with(&self.settings(), self.store.clone()).await;
        moved.expect("everything answers")
    }

    /// Moves in as `settings` say, into `store`.
    pub(crate) async fn import_with(
        &self,
        settings: &Settings,
        store: Arc<dyn ImportStore>,
    ) -> Result<(Tally, Told), ImportError> {
        let mut told = Told::default();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let tally = import(settings, store, clock, &mut told).await?;
        Ok((tally, told))
    }

    /// The former application goes on.
    pub(crate) async fn former_goes_on(&self) {
        reference::go_on(&self.client).await.expect(ANSWERS);
    }

    /// A digest of all that is in our tables.
    pub(crate) async fn digest(&self) -> String {
        self.database.digest().await.expect(ANSWERS)
    }

    /// Takes everything out of our tables.
    pub(crate) async fn empty(&self) {
        let sql = "TRUNCATE messaging.participant, messaging.conversation, messaging.message,
            messaging.attachment, messaging.imported, messaging.import_mark CASCADE";
        self.client.batch_execute(sql).await.expect(ANSWERS);
    }

    /// The rows that `sql` brings, each as a line.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' | ', VARIADIC ARRAY(
            SELECT coalesce(value, '-') FROM jsonb_each_text(to_jsonb(r)) AS each (key, value)))
            FROM ({sql}) AS r"
        );
        let rows = self.client.query(&sql, &[]).await.expect(ANSWERS);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The one number that `sql` brings.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).await.expect(ANSWERS).get(0)
    }
}

/// What an import told while it went on.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) refused: Vec<Refused>,
    pub(crate) pages: usize,
    pub(crate) resumed: bool,
}

impl Watcher for Told {
    fn resumed(&mut self, _: &Tally) {
        self.resumed = true;
    }

    fn refused(&mut self, refused: &Refused) {
        self.refused.push(refused.clone());
    }

    fn page(&mut self, _: &Tally) {
        self.pages += 1;
    }
}
