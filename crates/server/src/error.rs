use std::{io, net::SocketAddr};

use auth_jwt::{KeyError, MintError};
use domain::{conversation::commands::OpenConversationError, ports::StoreError};
use storage_pg::{InvalidSettings, MigrateError};

use crate::commands::demo::ScriptError;

/// Why the program cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The schema is older than the program, and the program may not change it.
    #[error("the database lacks {0}; run `messaging-server migrate`")]
    SchemaOutOfDate(String),
    /// The database was migrated by a program whose schema this one cannot take over.
    #[error(
        "nothing was changed in the database: use an empty one, or the version of the program that made \
         this one"
    )]
    ForeignSchema(#[source] MigrateError),
    /// The database is away, or refuses the schema.
    #[error("the database is not ready")]
    Database(#[source] MigrateError),
    /// A connection pooler answers, and not PostgreSQL itself.
    #[error(
        "{0} leads to a connection pooler, such as PgBouncer, that refuses or drops the settings of our \
         sessions: set DATABASE_DIRECT_URL to where PostgreSQL itself is"
    )]
    Pooler(&'static str),
    /// The database can never be used like this.
    #[error("the database cannot be used as configured")]
    DatabaseSettings(#[from] InvalidSettings),
    /// The keys for tokens cannot be used.
    #[error("the keys for tokens cannot be used")]
    Keys(#[from] KeyError),
    /// Files cannot be kept as configured.
    #[error("files cannot be kept as configured")]
    Files(#[from] media::SettingsError),
    /// The list of people to be forgotten cannot be read.
    #[error("the list of people to be forgotten cannot be read")]
    ErasedPeople(#[source] io::Error),
    /// A line of that list is no id.
    #[error("line {0} of the list of people to be forgotten is no id; nobody was forgotten")]
    ErasedPerson(usize),
    /// Not everybody was forgotten.
    #[error("not everybody was forgotten; run it again to go on")]
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
    #[error("the import stopped; run it again to go on")]
    Import(#[from] importer::ImportError),
    /// The list of what was left out could not be written.
    #[error("the list of what the import leaves out could not be written")]
    ImportOutput(#[source] io::Error),
    /// Mail cannot leave as configured.
    #[error("mail cannot leave as configured")]
    MailSettings(#[from] mailer::SettingsError),
    /// No way for mail to leave is configured.
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
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The HTTP server ended by itself.
    #[error("the HTTP server ended")]
    Http(#[source] io::Error),
    /// The system delivers no signals.
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
    /// The time for stopping was over.
    #[error("work was still going on when the server stopped")]
    StoppedHard,
    /// This server is in production.
    #[error("`demo` is not for production")]
    DemoInProduction,
    /// The script of the demonstration breaks a rule.
    #[error("the demonstration cannot be shown")]
    DemoScript(#[from] ScriptError),
    /// The people of the demonstration could not be entered.
    #[error("the people of the demonstration could not be entered")]
    DemoPeople(#[from] StoreError),
    /// The conversation of the demonstration could not be opened.
    #[error("the conversation of the demonstration could not be opened")]
    DemoConversation(#[from] OpenConversationError),
    /// A token could not be made.
    #[error("a token of the demonstration could not be made")]
    DemoToken(#[from] MintError),
}

impl RunError {
    /// Whether the program was started with what can never work: then trying again is of no use.
    pub(crate) fn is_misuse(&self) -> bool {
        matches!(
            self,
            Self::Pooler(_)
                | Self::ForeignSchema(_)
                | Self::DatabaseSettings(_)
                | Self::Import(importer::ImportError::Pooler)
        )
    }

    /// What happened, and what made it happen, down to the first cause.
    pub(crate) fn chain(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |cause| cause.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
