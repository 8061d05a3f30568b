//! Where the source is, and how it is read.

use tokio_postgres::Config;

/// How an import goes. Every bound has its unit in its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the source is. With `sslmode=require`, certificate and host are checked; `prefer`, the
    /// default, encrypts where that is possible.
    pub source: Config,
    /// The schema of its tables; `None` for the one that its search path leads to.
    pub schema: Option<String>,
    /// Whether nothing is written: what would become of everything is told all the same.
    pub is_dry_run: bool,
    /// The most people, conversations or preferences that are read at once.
    pub page_rows_max: u32,
    /// The most messages that are read at once, unless one conversation has more.
    pub page_messages_max: u32,
    /// How long opening the connection to the source may take, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl Settings {
    /// The usual bounds, for the database `source`.
    pub fn new(source: Config) -> Self {
        Self {
            source,
            schema: None,
            is_dry_run: false,
            page_rows_max: 500,
            page_messages_max: 4_000,
            connect_timeout_ms: 10_000,
        }
    }
}
