use std::{io, net::SocketAddr};

use auth_jwt::{KeyError, MintError};
use domain::{conversation::commands::OpenConversationError, ports::StoreError};
use storage_pg::{InvalidSettings, MigrateError};

use crate::http::TooFew;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The schema is older than the program, and migrations at start are switched off.
    #[error("the database lacks {0}; run `messaging-server migrate`")]
    SchemaOutOfDate(String),
    /// The schema has migrations that this program does not know.
    #[error(
        "nothing was changed in the database: use an empty one, or the version of the program that made \
         this one"
    )]
    ForeignSchema(#[source] MigrateError),
    /// The database does not answer, or a migration failed.
    #[error("the database is not ready")]
    Database(#[source] MigrateError),
    /// The address is that of a connection pooler.
    #[error(
        "{0} leads to a connection pooler, such as PgBouncer, that refuses or drops the settings of our \
         sessions: set DATABASE_DIRECT_URL to where PostgreSQL itself is"
    )]
    Pooler(&'static str),
    /// The settings of the database are invalid.
    #[error("the database cannot be used as configured")]
    DatabaseSettings(#[from] InvalidSettings),
    /// The keys for tokens cannot be used.
    #[error("the keys for tokens cannot be used")]
    Keys(#[from] KeyError),
    /// The settings of file storage are invalid.
    #[error("files cannot be stored as configured")]
    Files(#[from] media::SettingsError),
    /// The list of people to erase cannot be read.
    #[error("the list of people to erase cannot be read")]
    ErasedPeople(#[source] io::Error),
    /// A line of that list is not an id.
    #[error("line {0} of the list of people to erase is not an id; nobody was erased")]
    ErasedPerson(usize),
    /// Not everybody was erased.
    #[error("not everybody was erased; run it again to continue")]
    Erase(#[source] domain::jobs::JobFailure),
    /// The audit log could not be read.
    #[error("the audit log could not be read")]
    Audit(#[source] StoreError),
    /// Jobs could not be read or changed.
    #[error("the jobs could not be read")]
    Jobs(#[source] StoreError),
    /// The address of the legacy database is missing.
    #[error("the address of the legacy database is missing")]
    ImportSource,
    /// The import stopped before its end.
    #[error("the import stopped; run it again to continue")]
    Import(#[from] importer::ImportError),
    /// The list of refused rows could not be written.
    #[error("the list of refused rows could not be written")]
    ImportOutput(#[source] io::Error),
    /// The settings of mail are invalid.
    #[error("mail cannot be sent as configured")]
    MailSettings(#[from] mailer::SettingsError),
    /// No mail transport is configured.
    #[error("no mail leaves: neither a mail server nor Mailgun is configured")]
    NoMail,
    /// Mail could not be scheduled for everybody.
    #[error("mail could not be scheduled for everybody")]
    Mail(#[source] StoreError),
    /// A suppressed address could not be released.
    #[error("the suppressed address could not be released")]
    AllowMail(#[source] StoreError),
    /// Retention could not be enforced to the end.
    #[error("retention could not be enforced to the end")]
    Retention(#[source] StoreError),
    /// The address is in use, or may not be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// There are too few file descriptors for the configuration.
    #[error("there are too few file descriptors")]
    Descriptors(#[from] TooFew),
    /// The HTTP server ended by itself.
    #[error("the HTTP server ended")]
    Http(#[source] io::Error),
    /// The system delivers no signals.
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
    /// The shutdown timeout expired, or a second signal came.
    #[error("work was still going on when the server stopped")]
    StoppedHard,
    /// `demo` was run in production.
    #[error("`demo` is for developers: it runs with NODE_ENV=development only")]
    DemoInProduction,
    /// The script of the demonstration violates a rule of the domain.
    #[error("the script of the demonstration is invalid")]
    DemoScript(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The people of the demonstration could not be created.
    #[error("the people of the demonstration could not be created")]
    DemoPeople(#[from] StoreError),
    /// The conversation of the demonstration could not be opened.
    #[error("the conversation of the demonstration could not be opened")]
    DemoConversation(#[from] OpenConversationError),
    /// A token could not be made.
    #[error("a token of the demonstration could not be made")]
    DemoToken(#[from] MintError),
}

impl RunError {
    /// Whether the configuration is at fault, so that a restart cannot help: exit code 2.
    pub(crate) fn is_misuse(&self) -> bool {
        matches!(
            self,
            Self::Pooler(_)
                | Self::ForeignSchema(_)
                | Self::DatabaseSettings(_)
                | Self::Descriptors(_)
                | Self::Import(importer::ImportError::Pooler)
        )
    }

    /// The message with those of all its sources.
    pub(crate) fn chain(&self) -> String {
        let first: &dyn std::error::Error = self;
        let chain = std::iter::successors(Some(first), |error| error.source());
        chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
