//! The database of the legacy system. It is only read.

mod conversations;

use std::{
    error::Error,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use domain::{import::Fingerprint, time::Timestamp};
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
    fingerprint::FingerprintHasher,
    legacy::rows::{LegacyMail, LegacyPerson, LegacyPreference, LegacyTime, Raw},
};

pub(crate) use conversations::{Bounds, ConversationRow};

/// How long sent data may stay unacknowledged, and after how long an idle connection is probed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// Session settings: times are read as milliseconds in UTC, and nothing can be written.
const SESSION: &str =
    "-c timezone=UTC -c datestyle=ISO -c default_transaction_read_only=on -c jit=off";

/// A custom setting by which our session is recognised. PostgreSQL accepts any name with a dot.
const SESSION_MARK: &str = "messaging.session";

const SEARCH_PATH: &str = "SELECT set_config('search_path', quote_ident($1), false)";

/// A connection to the source.
pub(crate) struct Source {
    client: Client,
}

impl Source {
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, ImportError> {
        let mut config = settings.source.clone();
        let mark = format!("{:x}", RandomState::new().build_hasher().finish());
        let given = config.get_options().unwrap_or_default();
        let options = format!("{given} {SESSION} -c {SESSION_MARK}={mark}");
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

    /// Checks that all tables and columns that will be read exist.
    pub(crate) async fn check(&self) -> Result<(), ImportError> {
        check(&self.client).await
    }

    /// The fingerprint of all that is read: whether the source has changed since an interrupted import.
    pub(crate) async fn fingerprint(&self) -> Result<Fingerprint, ImportError> {
        fingerprint(&self.client).await
    }

    /// A snapshot, for the queries of one page.
    async fn page(&mut self) -> Result<Transaction<'_>, SourceError> {
        let begin = self.client.build_transaction().read_only(true);
        Ok(begin.isolation_level(IsolationLevel::RepeatableRead).start().await?)
    }
}

/// Checks that the session has the settings that it was opened with: behind a connection pooler it may be another
/// client's. Only `mark`, which is random, proves that; the other settings may come from the role or the database.
async fn check_session(client: &Client, mark: &str) -> Result<(), ImportError> {
    let shown = format!("SELECT current_setting('{SESSION_MARK}', true)");
    let shown = client.simple_query(&shown).await?;
    let is_kept = shown
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(mark)));
    if is_kept { Ok(()) } else { Err(ImportError::Pooler) }
}

async fn open(config: &Config) -> Result<Client, ImportError> {
    let tls = match (config.get_ssl_mode(), tls_connector()) {
        (SslMode::Disable, _) | (SslMode::Prefer, Err(_)) => None,
        (_, Ok(tls)) => Some(tls),
        (_, Err(_)) => return Err(ImportError::NoTrustedCertificates),
    };
    if let Some(tls) = tls {
        match config.connect(tls).await {
            Ok((client, connection)) => {
                // Its errors are returned by the queries that they fail.
                tokio::spawn(connection);
                return Ok(client);
            }
            // `prefer` allows plain text where the certificate is not trusted.
            Err(error) if config.get_ssl_mode() == SslMode::Prefer && error.code().is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut config = config.clone();
    let (client, connection) = config.ssl_mode(SslMode::Disable).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The time in a column of milliseconds; NULL is impossible.
fn time(row: &Row, column: &str) -> Result<LegacyTime, SourceError> {
    Ok(optional_time(row, column)?.unwrap_or(LegacyTime::Impossible))
}

/// The time in a nullable column of milliseconds.
fn optional_time(row: &Row, column: &str) -> Result<Option<LegacyTime>, SourceError> {
    let millis: Option<i64> = row.try_get(column)?;
    let time =
        |millis| Timestamp::from_millis(millis).map_or(LegacyTime::Impossible, LegacyTime::At);
    Ok(millis.map(time))
}

/// The text in a column. NULL is read as empty: the rules then repair or refuse the row.
fn text(row: &Row, column: &str) -> Result<String, SourceError> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

/// The text in a nullable column.
fn optional_text(row: &Row, column: &str) -> Result<Option<String>, SourceError> {
    Ok(row.try_get::<_, Option<Text>>(column)?.map(|Text(text)| text))
}

/// The number in a column; 0 for NULL.
fn number(row: &Row, column: &str) -> Result<i64, SourceError> {
    Ok(row.try_get::<_, Option<i64>>(column)?.unwrap_or_default())
}

/// The flag in a column; `false` for NULL.
fn flag(row: &Row, column: &str) -> Result<bool, SourceError> {
    Ok(row.try_get::<_, Option<bool>>(column)?.unwrap_or_default())
}

/// A text in which invalid UTF-8 is replaced: a database in `SQL_ASCII` may contain any bytes.
struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn accepts(kind: &Type) -> bool {
        <String as FromSql>::accepts(kind)
    }
}

// Pending mail.

const MAIL_PAGE: &str = include_str!("source/mail.sql");
const CLOSED: &str = r#"SELECT count(*) FROM "EmailNotificationQueue" AS queued WHERE queued.status::text <> 'PENDING'"#;

impl Source {
    /// The pending mail behind that of `conversation` to `recipient`, in key order.
    pub(crate) async fn mail(
        &mut self,
        (conversation, recipient): (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let rows_max = i64::from(rows_max);
        let rows = self.client.query(MAIL_PAGE, &[&conversation, &recipient, &rows_max]).await?;
        rows.iter().map(mail).collect()
    }

    /// How many mails the legacy system sent or gave up.
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
    /// The accounts behind the id `after`, in key order.
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
        Ok(optional_text(row, column)?.map(Raw))
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

// Notification preferences.

const PREFERENCES_PAGE: &str = include_str!("source/preferences.sql");

impl Source {
    /// The preferences behind those of the person `after`, in key order.
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
    let muted_elsewhere: i64 = row.try_get("muted_elsewhere")?;
    Ok(LegacyPreference {
        person: Raw(text(row, "userId")?),
        person_is_known: row.try_get("person_known")?,
        mail_enabled: flag(row, "emailNotificationsEnabled")?,
        frequency: text(row, "emailFrequency")?,
        muted: muted.into_iter().map(|Text(id)| Raw(id)).collect(),
        muted_elsewhere: muted_elsewhere.unsigned_abs(),
    })
}

// Whether the source is a database of the legacy system.

/// The tables and columns that are read.
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
    SELECT FROM pg_attribute AS attribute
    WHERE attribute.attrelid = to_regclass(quote_ident($1)) AND attribute.attname = wanted.name
        AND NOT attribute.attisdropped
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
    Err(ImportError::NotTheLegacySystem(missing.join(", ")))
}

// The fingerprint of the source.

async fn fingerprint(client: &Client) -> Result<Fingerprint, ImportError> {
    let mut hasher = FingerprintHasher::new();
    for (table, columns) in TABLES {
        let row = client.query_one(&checksum_query(table, columns), &[]).await?;
        hasher.number(row.try_get(0)?);
        hasher.text(row.try_get(1)?);
    }
    Ok(hasher.finish())
}

/// The number of rows and the sum of the hashes of the columns that are read: independent of the order of the rows.
/// Other columns, such as those written at each login, do not change it.
fn checksum_query(table: &str, columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("source.\"{column}\"")).collect();
    format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM \"{table}\" AS source",
        columns.join(", ")
    )
}

// TLS for the connection to the source.

/// A connector that verifies certificate and host against the certificate authorities of the operating system.
///
/// # Errors
/// When the operating system has no certificate authority.
fn tls_connector() -> Result<MakeRustlsConnect, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
