//! The database of the former system. It is only read.

mod conversations;
mod mail;
mod people;
mod preferences;
mod schema;
mod stamp;

use std::{error::Error, time::Duration};

use domain::{
    import::{former::FormerTime, store::Fingerprint},
    time::Timestamp,
};
use tokio_postgres::{
    Client, Config, IsolationLevel, NoTls, Row, SimpleQueryMessage, Transaction,
    config::SslMode,
    types::{FromSql, Type},
};

use crate::{ImportError, Settings, SourceError, tls};

pub(crate) use conversations::{Bounds, Person, Talk};

/// How long the source may leave what we sent unacknowledged, and a silent connection unprobed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// Times are read as milliseconds in UTC; nothing can be written, whatever we ask for.
const SESSION: &str =
    "-c timezone=UTC -c datestyle=ISO -c default_transaction_read_only=on -c jit=off";

/// Where tables are looked for.
const SEARCH_PATH: &str = "SELECT set_config('search_path', quote_ident($1), false)";

/// A connection to the source.
pub(crate) struct Source {
    client: Client,
}

impl Source {
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, ImportError> {
        let mut config = settings.source.clone();
        let options = config.get_options().map(|theirs| format!("{theirs} {SESSION}"));
        config
            .options(options.as_deref().unwrap_or(SESSION))
            .application_name("messaging-import")
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .keepalives_idle(PEER_TIMEOUT)
            .tcp_user_timeout(PEER_TIMEOUT);
        let client = open(&config).await?;
        check_session(&client).await?;
        if let Some(schema) = &settings.schema {
            client.query(SEARCH_PATH, &[schema]).await?;
        }
        Ok(Self { client })
    }

    /// Checks that everything is there that will be read.
    pub(crate) async fn check(&self) -> Result<(), ImportError> {
        schema::check(&self.client).await
    }

    /// A digest of all that is in it: it tells whether the source is still as it was.
    pub(crate) async fn stamp(&self) -> Result<Fingerprint, ImportError> {
        stamp::stamp(&self.client).await
    }

    /// One view of everything, for as long as a page takes.
    async fn page(&mut self) -> Result<Transaction<'_>, SourceError> {
        let begin = self.client.build_transaction().read_only(true);
        Ok(begin.isolation_level(IsolationLevel::RepeatableRead).start().await?)
    }
}

/// Checks that the session has the settings that it was opened with: over a connection pooler it may
/// have those of another one.
async fn check_session(client: &Client) -> Result<(), ImportError> {
    let shown = client.simple_query("SHOW default_transaction_read_only").await?;
    let is_kept = shown
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on")));
    if is_kept { Ok(()) } else { Err(ImportError::Pooler) }
}

async fn open(config: &Config) -> Result<Client, ImportError> {
    let encrypted = match (config.get_ssl_mode(), tls::verifying()) {
        (SslMode::Disable, _) | (SslMode::Prefer, Err(_)) => None,
        (_, Ok(tls)) => Some(tls),
        (_, Err(_)) => return Err(ImportError::NoTrustedCertificates),
    };
    if let Some(tls) = encrypted {
        match config.connect(tls).await {
            Ok((client, connection)) => {
                // Its failures come back from the queries it fails.
                tokio::spawn(connection);
                return Ok(client);
            }
            // A server whose certificate nobody knows is spoken to in the clear, if that was asked for.
            Err(error) if config.get_ssl_mode() == SslMode::Prefer && error.code().is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut config = config.clone();
    let (client, connection) = config.ssl_mode(SslMode::Disable).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The time in a column of milliseconds; NULL is none that a calendar has.
fn time(row: &Row, column: &str) -> Result<FormerTime, SourceError> {
    Ok(maybe_time(row, column)?.unwrap_or(FormerTime::Impossible))
}

/// Likewise, where there may be none.
fn maybe_time(row: &Row, column: &str) -> Result<Option<FormerTime>, SourceError> {
    let millis: Option<i64> = row.try_get(column)?;
    let time =
        |millis| Timestamp::from_millis(millis).map_or(FormerTime::Impossible, FormerTime::At);
    Ok(millis.map(time))
}

/// The text in a column. Where there is none although there must be one, it is empty: what that
/// makes of the row is up to the rules, which refuse it by name.
fn text(row: &Row, column: &str) -> Result<String, SourceError> {
    Ok(maybe_text(row, column)?.unwrap_or_default())
}

/// Likewise, where there may be none.
fn maybe_text(row: &Row, column: &str) -> Result<Option<String>, SourceError> {
    Ok(row.try_get::<_, Option<Text>>(column)?.map(|Text(text)| text))
}

/// The number in a column; 0 where there is none although there must be one.
fn number(row: &Row, column: &str) -> Result<i64, SourceError> {
    Ok(row.try_get::<_, Option<i64>>(column)?.unwrap_or_default())
}

/// The flag in a column; off where there is none although there must be one.
fn flag(row: &Row, column: &str) -> Result<bool, SourceError> {
    Ok(row.try_get::<_, Option<bool>>(column)?.unwrap_or_default())
}

/// A text, of which what is not UTF-8 is replaced: a database in `SQL_ASCII` holds whatever it was
/// given.
struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn accepts(kind: &Type) -> bool {
        <String as FromSql>::accepts(kind)
    }
}
