//! What can be asked of the program.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use domain::{
    ids::{JobId, UserId},
    jobs::store::JobFilter,
};

use crate::settings::Settings;

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
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
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
    /// Print the description of the interface for the platform's own programs (OpenAPI 3.1)
    OpenapiInternal,
    /// Look at the work that waits, and give it another chance
    #[command(subcommand)]
    Jobs(JobsVerb),
    /// Look after mail
    #[command(subcommand)]
    Mail(MailVerb),
    /// Let go of what is old
    #[command(subcommand)]
    Retention(RetentionVerb),
    /// Forget people again after a restore
    Erase(EraseArgs),
    /// Look at what was done about people's data
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Take over what the system before this one kept
    Import(ImportArgs),
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

/// What to do with the work that waits.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum JobsVerb {
    /// Print jobs, a line each, the oldest first
    List(ListJobs),
    /// Run dead jobs again
    Retry(RetryJobs),
}

/// What to do about mail.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum MailVerb {
    /// Decide now about mail for which people were still given time to read, and print how many leave
    Flush,
    /// Send mail again to an address that was suppressed: the one that a person has now
    Allow {
        /// The platform's id of the person
        #[arg(value_name = "PERSON", value_parser = user_id)]
        person: UserId,
    },
}

/// What to do about what is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum RetentionVerb {
    /// Do the nights' work now, and print what was done
    Run {
        /// Change nothing, and print what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

/// Whom to forget again, or who is forgotten.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub(crate) struct EraseArgs {
    /// Print the id of everybody who is forgotten, a line each: keep that list beside backups
    #[arg(long)]
    pub(crate) list: bool,

    /// Forget everybody whose id is a line of this file; `-` reads them from standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
}

/// What to do with the record of what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum AuditVerb {
    /// Print entries, a line each, the newest first
    List {
        /// How many at the most
        #[arg(long, value_name = "1..10000", default_value = "100",
            value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
}

/// Which jobs are printed.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListJobs {
    /// Only dead jobs: those that failed for good
    #[arg(long)]
    pub(crate) dead: bool,

    /// How many at the most
    #[arg(long, value_name = "1..1000", default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
}

impl ListJobs {
    /// Which.
    pub(crate) fn filter(&self) -> JobFilter {
        if self.dead { JobFilter::Dead } else { JobFilter::All }
    }
}

/// Which jobs are tried again.
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

/// What is taken over, and how.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) source: ImportSource,

    /// Write nothing, and tell what would become of everything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Where the legacy database is.
#[derive(Args, Clone, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub(crate) struct ImportSource {
    /// Address of its database; whoever lists processes sees it
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,

    /// File that holds that address, for one with a password in it
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
    /// What to do.
    pub(crate) fn verb(&self) -> Verb {
        self.verb.clone().unwrap_or(Verb::Serve)
    }

    /// The program as its command line describes it. Every setting may stand before or behind the
    /// verb.
    pub(crate) fn described() -> clap::Command {
        Self::command().mut_args(|arg| arg.global(true))
    }
}
