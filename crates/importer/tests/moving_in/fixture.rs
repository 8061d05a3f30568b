//! A legacy database, and ours beside it.

use std::sync::Arc;

use domain::{import::ImportStore, ports::Clock, testing::fixture::FixedClock};
use importer::{ImportError, Progress, Refused, Report, Settings, import};
use storage_pg::PgStore;
use testkit::{
    database::Database,
    reference::{self, Size},
    tokio_postgres::Client,
};

/// Has every kind of row, and imports quickly.
const SMALL: Size = Size { conversations: 60, messages: 900 };

/// What `expect` says of queries.
pub(crate) const ANSWERS: &str = "the database answers";

/// A database with the legacy tables and ours.
pub(crate) struct Fixture {
    pub(crate) store: Arc<PgStore>,
    pub(crate) client: Client,
    pub(crate) clock: Arc<FixedClock>,
    database: Database,
}

impl Fixture {
    /// A small one, of `SMALL`.
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

    /// The default settings, with small pages.
    pub(crate) fn settings(&self) -> Settings {
        let source = self.database.url().parse().expect("a good address");
        let usual = Settings::new(source);
        Settings { page_rows_max: 25, page_messages_max: 200, ..usual }
    }

    /// Runs an import to its end.
    pub(crate) async fn import(&self) -> (Report, RecordedProgress) {
        let imported = self.import_with(&self.settings(), self.store.clone()).await;
        imported.expect("everything answers")
    }

    /// Runs an import with `settings` into `store`.
    pub(crate) async fn import_with(
        &self,
        settings: &Settings,
        store: Arc<dyn ImportStore>,
    ) -> Result<(Report, RecordedProgress), ImportError> {
        let mut recorded = RecordedProgress::default();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let report = import(settings, store, clock, &mut recorded).await?;
        Ok((report, recorded))
    }

    /// The legacy application writes more.
    pub(crate) async fn change_source(&self) {
        reference::go_on(&self.client).await.expect(ANSWERS);
    }

    /// A digest of our tables.
    pub(crate) async fn digest(&self) -> String {
        self.database.digest().await.expect(ANSWERS)
    }

    /// Empties our tables.
    pub(crate) async fn empty(&self) {
        let sql = "TRUNCATE messaging.participant, messaging.conversation, messaging.message,
            messaging.attachment, messaging.imported, messaging.import_mark CASCADE";
        self.client.batch_execute(sql).await.expect(ANSWERS);
    }

    /// The rows of a query, each as a line.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' | ', VARIADIC ARRAY(
            SELECT coalesce(value, '-') FROM jsonb_each_text(to_jsonb(r)) AS each (key, value)))
            FROM ({sql}) AS r"
        );
        let rows = self.client.query(&sql, &[]).await.expect(ANSWERS);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The number that a query returns.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).await.expect(ANSWERS).get(0)
    }
}

/// The progress of an import.
#[derive(Default)]
pub(crate) struct RecordedProgress {
    pub(crate) refused: Vec<Refused>,
    pub(crate) pages: usize,
    pub(crate) resumed: bool,
}

impl Progress for RecordedProgress {
    fn resumed(&mut self, _: &Report) {
        self.resumed = true;
    }

    fn refused(&mut self, refused: &Refused) {
        self.refused.push(refused.clone());
    }

    fn page(&mut self, _: &Report) {
        self.pages += 1;
    }
}
