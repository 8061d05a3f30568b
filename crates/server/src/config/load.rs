//! From the start of the process to a configuration, or to everything that is wrong with it.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use clap::{FromArgMatches, builder::Resettable};
use storage_pg::Address;

use super::{
    Config, database,
    effective::Effective,
    fault::{Fault, Faults},
    file,
    merge::{CommandLine, Source, merge, variable},
    unused,
};
use crate::cli::{Cli, ImportSource, Verb};

/// The variable that names the file.
const FILE_VARIABLE: &str = "MESSAGING_CONFIG";

/// What the process was started with.
#[derive(Clone, Default)]
pub(crate) struct Start {
    /// The program's name, then flags and words.
    pub(crate) arguments: Vec<OsString>,
    /// The variables. Those whose name is not UTF-8 are none of ours.
    pub(crate) environment: BTreeMap<String, OsString>,
}

impl Start {
    /// What this process was started with.
    pub(crate) fn of_this_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self {
            arguments: std::env::args_os().collect(),
            environment: std::env::vars_os().filter_map(named).collect(),
        }
    }
}

/// What to do, and with what.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What to work with.
    pub(crate) config: Config,
    /// Every setting as it is in force.
    pub(crate) effective: Effective,
    /// Variables of the old service that are set and do nothing here.
    pub(crate) unused: Vec<String>,
    /// Where an import reads; of that verb alone.
    pub(crate) source: Option<Address>,
}

impl Loaded {
    /// Logs what an operator should know of this configuration.
    pub(crate) fn announce(&self) {
        if !self.unused.is_empty() {
            let variables = self.unused.join(", ");
            tracing::info!(variables, "variables that are not used by this version are set");
        }
        if self.config.database.is_direct {
            tracing::info!(
                "DATABASE_DIRECT_URL is set: it is used for everything, DATABASE_URL for nothing"
            );
        }
        if !self.config.database.unused.is_empty() {
            let parameters = self.config.database.unused.join(", ");
            tracing::info!(
                parameters,
                "the address of the database has parameters that are not used"
            );
        }
        if self.config.links_are_local && self.config.general.in_production() {
            tracing::warn!(
                "FILES_PUBLIC_URL is not set: links to files, and those in mails that end them, lead \
                 to this machine alone"
            );
        }
        if self.config.mail.post.is_none() {
            tracing::info!("no mail leaves: neither a mail server nor Mailgun is configured");
        }
        if !self.config.limits_enabled {
            tracing::warn!("rate limits are switched off");
        }
    }
}

/// Why there is nothing to do.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The command line makes no sense, or asks for help.
    Usage(clap::Error),
    /// Settings are wrong.
    Faults(Faults),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// The verb of the command line.
pub(crate) fn verb(start: &Start) -> Result<Verb, Refusal> {
    let line = CommandLine::parse(&start.arguments)?;
    Ok(read(&line, &BTreeMap::new())?.0.verb())
}

/// Reads every source, and all of it before it complains.
pub(crate) fn load(start: &Start) -> Result<Loaded, Refusal> {
    let line = CommandLine::parse(&start.arguments)?;
    let mut faults = Faults::default();
    let path = line.file().or(variable(&start.environment, FILE_VARIABLE).map(OsString::as_os_str));
    let file = path.map(|path| file::read_file(Path::new(path), &mut faults)).unwrap_or_default();
    let mut merged = merge(&line, &start.environment, &file, &mut faults);
    database::ask_address(&mut merged);
    // What was faulty is left at its default, so that the rest can be looked at too.
    let (cli, matches) = read(&line, &merged)?;
    let source = match cli.verb() {
        Verb::Import(args) => source(&args.source, &mut faults),
        _ => None,
    };
    match cli.settings.check(&mut faults) {
        Some(config) if faults.is_empty() => Ok(Loaded {
            config,
            effective: Effective::new(&matches, &merged),
            unused: unused::among(start.environment.keys()),
            source,
        }),
        _ => Err(Refusal::Faults(faults)),
    }
}

/// Where an import reads. It needs sessions that keep their settings, as we do.
fn source(source: &ImportSource, faults: &mut Faults) -> Option<Address> {
    let (flag, text) = match (&source.from, &source.from_file) {
        (Some(text), _) => ("--from", Ok(text.clone())),
        (None, Some(file)) => ("--from-file", std::fs::read_to_string(file)),
        (None, None) => return None,
    };
    let why = match text.map(|text| Address::parse(text.trim())) {
        Ok(Ok(address)) if address.names_a_pooler() => {
            "must lead to PostgreSQL itself, and not to a connection pooler (pgbouncer=true)"
                .to_owned()
        }
        Ok(Ok(address)) => return Some(address),
        Ok(Err(wrong)) => wrong.to_string(),
        Err(cause) => format!("cannot be read: {}", cause.kind()),
    };
    faults.note(Fault::elsewhere(flag, why));
    None
}

/// Reads settings that are known to be good.
fn read(
    line: &CommandLine,
    merged: &BTreeMap<String, (String, Source)>,
) -> Result<(Cli, clap::ArgMatches), clap::Error> {
    let program = "messaging-server".to_owned();
    let settings = merged.iter().map(|(id, (text, _))| format!("--{id}={text}"));
    let settings = [program].into_iter().chain(settings).map(OsString::from);
    let arguments = settings.chain(line.words.iter().cloned());
    let command = Cli::described().mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command.try_get_matches_from(arguments)?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}
