//! The command line.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use domain::{
    ids::{JobId, UserId},
    jobs::store::JobFilter,
};

use crate::settings::Settings;

/// The flag of the settings file; the only global one that is not a setting.
pub(crate) const FILE_FLAG: &str = "config";

/// Messages between a salon and its clients, over HTTP and Socket.IO
#[derive(Debug, Parser)]
#[command(name = "messaging-server", version, args_override_self = true)]
pub(crate) struct Cli {
    /// What to do; `serve` if nothing is given
    #[command(subcommand)]
    verb: Option<Verb>,

    /// File with settings (TOML); flags and environment take precedence
    #[arg(id = FILE_FLAG, long = FILE_FLAG, env = "MESSAGING_CONFIG", value_name = "FILE")]
    _file: Option<PathBuf>,

    /// The settings.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// The verbs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    /// Serve until stopped
    Serve,
    /// Bring the database schema up to date
    Migrate,
    /// Show the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print the description of the REST interface (OpenAPI 3.1)
    Openapi,
    /// Print the description of the socket interface (`AsyncAPI` 3)
    Asyncapi,
    /// Print the description of the internal REST interface, for the platform's own programs (OpenAPI 3.1)
    OpenapiInternal,
    /// List background jobs, and retry dead ones
    #[command(subcommand)]
    Jobs(JobsVerb),
    /// Manage notification mail
    #[command(subcommand)]
    Mail(MailVerb),
    /// Enforce data retention
    #[command(subcommand)]
    Retention(RetentionVerb),
    /// List erased people, and erase them again after a restore
    Erase(EraseArgs),
    /// List the audit log of people's data
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Import the database of the legacy system
    Import(ImportArgs),
    /// Create two people and a conversation for a demonstration, and print their tokens
    Demo,
}

/// The verbs of `config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print the effective settings, with secrets hidden
    Check,
    /// Print a table of all settings
    Docs,
}

/// The verbs of `jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum JobsVerb {
    /// Print jobs, one per line, oldest first
    List(ListJobs),
    /// Run dead jobs again
    Retry(RetryJobs),
}

/// The verbs of `mail`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum MailVerb {
    /// Schedule pending mail without the usual delay, and print how much is sent
    Flush,
    /// Send mail again to a person's current address after it was suppressed
    Allow {
        /// The platform's id of the person
        #[arg(value_name = "PERSON", value_parser = user_id)]
        person: UserId,
    },
}

/// The verbs of `retention`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum RetentionVerb {
    /// Run the nightly retention sweep now, and print what was done
    Run {
        /// Change nothing, and print what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

/// The arguments of `erase`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub(crate) struct EraseArgs {
    /// Print the ids of all erased people, one per line: keep that list with the backups
    #[arg(long)]
    pub(crate) list: bool,

    /// Erase everybody whose id is a line of this file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
}

/// The verbs of `audit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum AuditVerb {
    /// Print entries, one per line, newest first
    List {
        /// Maximum number
        #[arg(long, value_name = "1..10000", default_value = "100",
            value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
}

/// The arguments of `jobs list`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListJobs {
    /// Only dead jobs: those that failed for good
    #[arg(long)]
    pub(crate) dead: bool,

    /// Maximum number
    #[arg(long, value_name = "1..1000", default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
}

impl ListJobs {
    pub(crate) fn filter(&self) -> JobFilter {
        if self.dead { JobFilter::Dead } else { JobFilter::All }
    }
}

/// The arguments of `jobs retry`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub(crate) struct RetryJobs {
    /// The job with this id
    #[arg(value_name = "ID", value_parser = job_id)]
    pub(crate) id: Option<JobId>,

    /// Every dead job
    #[arg(long)]
    pub(crate) all: bool,
}

/// The arguments of `import`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) source: ImportSource,

    /// Write nothing, and report what an import would do
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The address of the legacy database.
#[derive(Args, Clone, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub(crate) struct ImportSource {
    /// Address of its database; visible in the list of processes
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,

    /// File that contains that address, for one with a password
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
}

/// Without the address: it holds a password.
impl std::fmt::Debug for ImportSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportSource").finish_non_exhaustive()
    }
}

fn user_id(text: &str) -> Result<UserId, String> {
    UserId::parse(text).map_err(|fault| fault.to_string())
}

fn job_id(text: &str) -> Result<JobId, String> {
    JobId::parse(text).map_err(|fault| fault.to_string())
}

impl Cli {
    /// The verb that was given, else `serve`.
    pub(crate) fn verb(&self) -> Verb {
        self.verb.clone().unwrap_or(Verb::Serve)
    }

    /// The parser. A setting may be given before or after the verb.
    pub(crate) fn described() -> clap::Command {
        Self::command().mut_args(|arg| arg.global(true))
    }
}
