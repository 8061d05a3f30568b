//! Which of several sources a setting takes its value from.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
};

use clap::{
    Arg, ArgAction, ArgMatches, Command, builder::Resettable, parser::ValueSource, value_parser,
};

use super::{
    fault::{Fault, Faults},
    setting::{FILE_FLAG, Setting},
};
use crate::cli::Cli;

/// Where a value comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Flag,
    Environment,
    File,
    /// A parameter of the database's URL.
    Address,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Address => "address",
            Self::Default => "default",
        })
    }
}

/// The command line, its values not yet read.
pub(super) struct CommandLine {
    /// The verb, word by word, and what is said to it alone.
    pub(super) words: Vec<OsString>,
    /// The value of each flag that is given.
    flags: BTreeMap<String, OsString>,
}

impl CommandLine {
    /// Takes `arguments` apart; the first is the program's name.
    pub(super) fn parse(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let unread = Cli::described().mut_args(|arg| {
            let arg = arg.env(Resettable::Reset).default_value(Resettable::Reset);
            arg.value_parser(value_parser!(OsString))
        });
        let matches = unread.clone().try_get_matches_from(arguments)?;
        let (mut words, mut innermost, mut verb) = (Vec::new(), &matches, Some(&unread));
        while let Some((word, inner)) = innermost.subcommand() {
            words.push(OsString::from(word));
            (innermost, verb) = (inner, verb.and_then(|verb| verb.find_subcommand(word)));
        }
        if let Some(verb) = verb.filter(|_| !words.is_empty()) {
            words.extend(said_to(verb, innermost));
        }
        let ids: Vec<String> = Setting::all().iter().map(|it| it.id().to_owned()).collect();
        let flags = ids.into_iter().chain([FILE_FLAG.to_owned()]);
        let given = flags.filter_map(|id| Some((id.clone(), given(innermost, &id)?)));
        Ok(Self { words, flags: given.collect() })
    }

    /// The file that a flag names.
    pub(super) fn file(&self) -> Option<&OsStr> {
        self.flags.get(FILE_FLAG).map(OsString::as_os_str)
    }
}

/// The arguments that only `verb` has, as the command line gave them.
fn said_to(verb: &Command, matches: &ArgMatches) -> Vec<OsString> {
    let given = |arg: &&Arg| {
        let source = matches.value_source(arg.get_id().as_str());
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    };
    verb.get_arguments().filter(given).flat_map(|arg| words_of(arg, matches)).collect()
}

fn words_of(arg: &Arg, matches: &ArgMatches) -> Vec<OsString> {
    let flag = arg.get_long().map(|long| OsString::from(format!("--{long}")));
    let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
    match flag {
        None => values.map(ToOwned::to_owned).collect(),
        Some(flag) if matches!(arg.get_action(), ArgAction::SetTrue) => vec![flag],
        Some(flag) => values.flat_map(|value| [flag.clone(), value.to_owned()]).collect(),
    }
}

fn given(matches: &ArgMatches, id: &str) -> Option<OsString> {
    if matches.value_source(id) != Some(ValueSource::CommandLine) {
        return None;
    }
    matches.get_raw(id)?.next_back().map(ToOwned::to_owned)
}

/// The variable's value. An empty one counts as none: that is how compose files leave one out.
pub(super) fn variable<'a>(
    environment: &'a BTreeMap<String, OsString>,
    name: &str,
) -> Option<&'a OsString> {
    environment.get(name).filter(|value| !value.is_empty())
}

/// The text of every setting that some source names, and the source it is taken from. What cannot
/// be a value of its setting becomes a fault.
pub(super) fn merge(
    line: &CommandLine,
    environment: &BTreeMap<String, OsString>,
    file: &BTreeMap<String, String>,
    faults: &mut Faults,
) -> BTreeMap<String, (String, Source)> {
    let mut merged = BTreeMap::new();
    for setting in Setting::all() {
        let id = setting.id();
        let flag = line.flags.get(id).map(|value| (value.clone(), Source::Flag));
        let variable = || {
            let value = variable(environment, setting.variable())?;
            Some((value.clone(), Source::Environment))
        };
        let file = || Some((OsString::from(file.get(id)?), Source::File));
        let Some((value, source)) = flag.or_else(variable).or_else(file) else {
            continue;
        };
        let read = value.into_string().map_err(|_| "is not UTF-8".to_owned());
        match read.and_then(|text| setting.fault_in(&text).map_or(Ok(text), Err)) {
            Ok(text) => drop(merged.insert(id.to_owned(), (text, source))),
            Err(why) => faults.note(Fault::new(id, format!("{why} ({source})"))),
        }
    }
    merged
}
