//! What can be asked of the program.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::Settings;

/// Messages between a salon and its clients, over HTTP and Socket.IO
#[derive(Debug, Parser)]
#[command(name = "messaging-server", version, args_override_self = true)]
pub(crate) struct Cli {
    /// What to do; without a word, `serve`
    #[command(subcommand)]
    verb: Option<Verb>,

    /// File with settings (TOML); flags and environment win over it
    #[arg(id = "config", long = "config", env = "MESSAGING_CONFIG", value_name = "FILE")]
    _file: Option<PathBuf>,

    /// Every setting.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    /// Serve until told to stop
    Serve,
    /// Bring the database schema up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print the description of the REST interface (OpenAPI 3.1)
    Openapi,
    /// Print the description of the socket interface (`AsyncAPI` 3)
    Asyncapi,
    /// Enter two people and a conversation to try things out with, and print their tokens
    Demo,
}

/// What to do with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print what is in force, secrets hidden
    Check,
    /// Print a table of all settings
    Docs,
}

impl Cli {
    /// What to do.
    pub(crate) fn verb(&self) -> Verb {
        self.verb.unwrap_or(Verb::Serve)
    }

    /// The program as its command line describes it. Every setting may stand before or behind the
    /// verb.
    pub(crate) fn described() -> clap::Command {
        Self::command().mut_args(|arg| arg.global(true))
    }
}
