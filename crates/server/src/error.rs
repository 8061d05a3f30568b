use std::{io, net::SocketAddr};

use auth_jwt::{KeyError, MintError};
use domain::{ports::StoreError, usecase::OpenConversationError};
use storage_pg::{InvalidSettings, MigrateError};

use crate::demo::ScriptError;

/// Why the program cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The schema is older than the program, and the program may not change it.
    #[error("the database lacks {0}; run `messaging-server migrate`")]
    SchemaOutOfDate(String),
    /// The database is away, or refuses the schema.
    #[error("the database is not ready")]
    Database(#[from] MigrateError),
    /// The database can never be used like this.
    #[error("the database cannot be used as configured")]
    DatabaseSettings(#[from] InvalidSettings),
    /// The keys for tokens cannot be used.
    #[error("the keys for tokens cannot be used")]
    Keys(#[from] KeyError),
    /// Files cannot be kept as configured.
    #[error("files cannot be kept as configured")]
    Files(#[from] media::SettingsError),
    /// Jobs could not be looked at or changed.
    #[error("the jobs could not be looked at")]
    Jobs(#[source] StoreError),
    /// The file with the address of the former system's database cannot be read.
    #[error("the address of the former system's database cannot be read")]
    ImportSource(#[source] io::Error),
    /// The former system was not taken over to the end.
    #[error("the import stopped; run it again to go on")]
    Import(#[from] importer::ImportError),
    /// What was left out could not be printed.
    #[error("the import stopped telling what it leaves out")]
    ImportOutput(#[source] io::Error),
    /// Somebody else listens there, or we may not.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The HTTP server ended by itself.
    #[error("the HTTP server ended")]
    Http(#[source] io::Error),
    /// The system does not tell us of signals.
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
    /// Stopping was cut short.
    #[error("work was still going on when the server stopped")]
    StoppedHard,
    /// Real people use this server.
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
    /// What happened, and what made it happen, down to the first cause.
    pub(crate) fn chain(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |cause| cause.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
