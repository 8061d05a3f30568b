//! The database of the former system. It is only read.

mod conversations;

use std::{
    error::Error,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use domain::{import::store::Fingerprint, time::Timestamp};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::{
    Client, Config, IsolationLevel, NoTls, Row, SimpleQueryMessage, Transaction,
    config::SslMode,
    types::{FromSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    ImportError, Settings, SourceError,
    fingerprint::Sum,
    legacy::rows::{FormerTime, LegacyMail, LegacyPerson, LegacyPreference, Raw},
};

pub(crate) use conversations::{Bounds, Person, Talk};

/// How long the source may leave what we sent unacknowledged, and a silent connection unprobed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// Times are read as milliseconds in UTC; nothing can be written, whatever we ask for.
const SESSION: &str =
    "-c timezone=UTC -c datestyle=ISO -c default_transaction_read_only=on -c jit=off";

/// A setting of no meaning, by which our session is recognised. PostgreSQL accepts any name of two parts.
const SESSION_MARK: &str = "messaging.session";

/// Where tables are looked for.
const SEARCH_PATH: &str = "SELECT set_config('search_path', quote_ident($1), false)";

/// A connection to the source.
pub(crate) struct Source {
    client: Client,
}

impl Source {
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, ImportError> {
        let mut config = settings.source.clone();
        let mark = format!("{:x}", RandomState::new().build_hasher().finish());
        let theirs = config.get_options().unwrap_or_default();
        let options = format!("{theirs} {SESSION} -c {SESSION_MARK}={mark}");
        config
            .options(options)
            .application_name("messaging-import")
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .keepalives_idle(PEER_TIMEOUT)
            .tcp_user_timeout(PEER_TIMEOUT);
        let client = open(&config).await?;
        check_session(&client, &mark).await?;
        if let Some(schema) = &settings.schema {
            client.query(SEARCH_PATH, &[schema]).await?;
        }
        Ok(Self { client })
    }

    /// Checks that everything is there that will be read.
    pub(crate) async fn check(&self) -> Result<(), ImportError> {
        check(&self.client).await
    }

    /// A digest of all that is in it: it tells whether the source is still as it was.
    pub(crate) async fn stamp(&self) -> Result<Fingerprint, ImportError> {
        stamp(&self.client).await
    }

    /// One view of everything, for as long as a page takes.
    async fn page(&mut self) -> Result<Transaction<'_>, SourceError> {
        let begin = self.client.build_transaction().read_only(true);
        Ok(begin.isolation_level(IsolationLevel::RepeatableRead).start().await?)
    }
}

/// Checks that the session has the settings that it was opened with: behind a connection pooler it may
/// have those of another one. Any setting but `mark`, which nobody else has, may be as we want it by
/// chance, set for the role or the database.
async fn check_session(client: &Client, mark: &str) -> Result<(), ImportError> {
    let shown = format!("SELECT current_setting('{SESSION_MARK}', true)");
    let shown = client.simple_query(&shown).await?;
    let is_kept = shown
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(mark)));
    if is_kept { Ok(()) } else { Err(ImportError::Pooler) }
}

async fn open(config: &Config) -> Result<Client, ImportError> {
    let encrypted = match (config.get_ssl_mode(), verifying()) {
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

// Mail that waits.

const MAIL_PAGE: &str = include_str!("source/mail.sql");
const CLOSED: &str = r#"SELECT count(*) FROM "EmailNotificationQueue" AS queued WHERE queued.status::text <> 'PENDING'"#;

impl Source {
    /// The waiting mail behind that of `conversation` to `recipient`, in the order of the source.
    pub(crate) async fn mail(
        &mut self,
        (conversation, recipient): (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let rows_max = i64::from(rows_max);
        let rows = self.client.query(MAIL_PAGE, &[&conversation, &recipient, &rows_max]).await?;
        rows.iter().map(mail).collect()
    }

    /// How many mails were sent or given up.
    pub(crate) async fn closed_mail(&self) -> Result<u64, SourceError> {
        let count: i64 = self.client.query_one(CLOSED, &[]).await?.try_get(0)?;
        Ok(count.unsigned_abs())
    }
}

fn mail(row: &Row) -> Result<LegacyMail, SourceError> {
    let rows = number(row, "row_count")?;
    Ok(LegacyMail {
        conversation: Raw(text(row, "conversationId")?),
        recipient: Raw(text(row, "recipientUserId")?),
        takes_part: row.try_get("takes_part")?,
        rows: rows.unsigned_abs(),
        messages: number(row, "messages")?,
        since: time(row, "since")?,
        impossible_dates: number(row, "impossible_dates")?.unsigned_abs(),
    })
}

// Accounts.

const PEOPLE_PAGE: &str = r#"
SELECT person.id, person.role::text AS role, person."firstName", person."lastName", person."salonName",
    person.image, person.email
FROM "User" AS person WHERE person.id > $1 ORDER BY person.id LIMIT $2"#;

impl Source {
    /// The accounts behind the id `after`, in the order of the source.
    pub(crate) async fn people(
        &mut self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<LegacyPerson>, SourceError> {
        let rows = self.client.query(PEOPLE_PAGE, &[&after, &i64::from(rows_max)]).await?;
        rows.iter().map(person).collect()
    }
}

fn person(row: &Row) -> Result<LegacyPerson, SourceError> {
    let detail = |column: &str| -> Result<Option<Raw>, SourceError> {
        Ok(maybe_text(row, column)?.map(Raw))
    };
    Ok(LegacyPerson {
        id: Raw(text(row, "id")?),
        role: text(row, "role")?,
        first_name: detail("firstName")?,
        last_name: detail("lastName")?,
        salon_name: detail("salonName")?,
        image: detail("image")?,
        email: detail("email")?,
    })
}

// What people want to be told of by mail.

const PREFERENCES_PAGE: &str = include_str!("source/preferences.sql");

impl Source {
    /// The preferences behind the person `after`, in the order of the source.
    pub(crate) async fn preferences(
        &mut self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<LegacyPreference>, SourceError> {
        let rows = self.client.query(PREFERENCES_PAGE, &[&after, &i64::from(rows_max)]).await?;
        rows.iter().map(preference).collect()
    }
}

fn preference(row: &Row) -> Result<LegacyPreference, SourceError> {
    let muted: Vec<Text> = row.try_get("muted")?;
    let elsewhere: i64 = row.try_get("muted_elsewhere")?;
    Ok(LegacyPreference {
        person: Raw(text(row, "userId")?),
        person_is_known: row.try_get("person_known")?,
        mail_enabled: flag(row, "emailNotificationsEnabled")?,
        frequency: text(row, "emailFrequency")?,
        muted: muted.into_iter().map(|Text(id)| Raw(id)).collect(),
        muted_elsewhere: elsewhere.unsigned_abs(),
    })
}

// Whether the source is what we take it for.

/// All that is read.
const TABLES: [(&str, &[&str]); 7] = [
    ("User", &["id", "email", "firstName", "lastName", "salonName", "image", "role"]),
    (
        "Conversation",
        &[
            "id",
            "salonId",
            "clientUserId",
            "appointmentId",
            "subject",
            "status",
            "createdAt",
            "updatedAt",
            "lastMessageAt",
        ],
    ),
    (
        "Message",
        &[
            "id",
            "conversationId",
            "senderId",
            "content",
            "type",
            "isRead",
            "readAt",
            "archivedAt",
            "createdAt",
        ],
    ),
    (
        "MessageAttachment",
        &[
            "id",
            "messageId",
            "fileName",
            "fileUrl",
            "fileType",
            "fileSize",
            "uploadThingKey",
            "createdAt",
        ],
    ),
    ("MessageNotification", &["conversationId", "userId", "unreadCount"]),
    (
        "NotificationPreference",
        &["userId", "emailNotificationsEnabled", "emailFrequency", "mutedConversations"],
    ),
    (
        "EmailNotificationQueue",
        &["conversationId", "recipientUserId", "messageCount", "status", "createdAt"],
    ),
];

const MISSING: &str = "
SELECT wanted.name FROM unnest($2::text[]) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_attribute AS here
    WHERE here.attrelid = to_regclass(quote_ident($1)) AND here.attname = wanted.name AND NOT here.attisdropped
)";

async fn check(client: &Client) -> Result<(), ImportError> {
    let mut missing = Vec::new();
    for (table, columns) in TABLES {
        let rows = client.query(MISSING, &[&table, &columns]).await?;
        for row in rows {
            missing.push(format!("\"{table}\".\"{}\"", row.try_get::<_, &str>(0)?));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ImportError::NotTheFormerSystem(missing.join(", ")))
}

// What the source holds, in a few bytes.

async fn stamp(client: &Client) -> Result<Fingerprint, ImportError> {
    let mut sum = Sum::new();
    for (table, columns) in TABLES {
        let row = client.query_one(&query(table, columns), &[]).await?;
        sum.number(row.try_get(0)?);
        sum.text(row.try_get(1)?);
    }
    Ok(sum.finish())
}

/// A sum over all rows of what is read of them: it does not depend on their order, and one changed
/// row changes it. What else the platform keeps there, and writes at each login, changes nothing.
fn query(table: &str, columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("here.\"{column}\"")).collect();
    format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM \"{table}\" AS here",
        columns.join(", ")
    )
}

// Encryption of the connection to the source.

/// Checks the certificate and its host against what the operating system trusts.
///
/// # Errors
/// When the operating system trusts nothing.
pub(crate) fn verifying() -> Result<MakeRustlsConnect, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
