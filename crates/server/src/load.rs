//! Loads the configuration: from the arguments and the environment of the process to a configuration, or to all of its
//! faults.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::{
    Arg, ArgAction, ArgMatches, Command, FromArgMatches, builder::Resettable, error::ErrorKind,
    parser::ValueSource, value_parser,
};
use storage_pg::Address;
use toml::{Table, Value};

use crate::{
    cli::{Cli, FILE_FLAG, ImportSource, Verb},
    settings::{
        Config, database,
        setting::{Effective, Setting},
        value::{Fault, Faults, Source},
    },
};

/// The variable that names the file.
const FILE_VARIABLE: &str = "MESSAGING_CONFIG";

/// What the process was started with.
#[derive(Clone, Default)]
pub(crate) struct Start {
    /// The program's name and its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// The environment variables, without those whose name is not UTF-8.
    pub(crate) environment: BTreeMap<String, OsString>,
}

impl Start {
    /// What this process was started with.
    pub(crate) fn of_this_process() -> Self {
        let utf8_name =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self {
            arguments: std::env::args_os().collect(),
            environment: std::env::vars_os().filter_map(utf8_name).collect(),
        }
    }
}

/// A configuration that was loaded without faults.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// The value and the source of every setting.
    pub(crate) effective: Effective,
    /// Variables of the legacy service that are set and have no effect.
    pub(crate) unused: Vec<String>,
    /// The source of an import; only with that verb.
    pub(crate) source: Option<Address>,
}

impl Loaded {
    /// Logs what an operator should know about this configuration.
    pub(crate) fn announce(&self) {
        if !self.unused.is_empty() {
            let variables = self.unused.join(", ");
            tracing::info!(variables, "variables are set that have no effect in this version");
        }
        if self.config.database.is_direct {
            tracing::info!(
                "DATABASE_DIRECT_URL is set: it is used for everything, and DATABASE_URL is ignored"
            );
        }
        if !self.config.database.unused.is_empty() {
            let parameters = self.config.database.unused.join(", ");
            tracing::info!(
                parameters,
                "the URL of the database has parameters that have no effect"
            );
        }
        if self.config.links_are_local && self.config.general.in_production() {
            tracing::warn!(
                "FILES_PUBLIC_URL is not set: links to files and unsubscribe links in mails point to localhost"
            );
        }
        if self.config.general.in_production() {
            tracing::info!(
                "NODE_ENV is not `development`: the documentation (HTTP_SERVE_DOCS), the verb `demo`, pages on \
                 localhost and mail into a folder are for developers, and shut"
            );
        } else {
            tracing::warn!(
                "NODE_ENV is `development`: pages on localhost may call, and the documentation is open"
            );
        }
        if !self.config.tokens.exp_required {
            tracing::warn!(
                "JWT_EXP_REQUIRED is off: a token without an expiry is valid for ever, whoever has it"
            );
        }
        if self.config.mail.mailer.is_none() {
            tracing::info!("no mail leaves: neither a mail server nor Mailgun is configured");
        }
        if !self.config.limits_enabled {
            tracing::warn!("rate limits are disabled");
        }
    }
}

/// Why no configuration was loaded.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The command line is invalid, or asks for help.
    Usage(clap::Error),
    /// Settings are invalid; one line for each fault.
    Faults(String),
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

/// Reads every source, and reports all faults at once.
pub(crate) fn load(start: &Start) -> Result<Loaded, Refusal> {
    let line = CommandLine::parse(&start.arguments)?;
    let mut faults = Faults::default();
    let path = line.file().or(variable(&start.environment, FILE_VARIABLE).map(OsString::as_os_str));
    let file = path.map(|path| read_file(Path::new(path), &mut faults)).unwrap_or_default();
    for renamed in &RENAMED {
        if variable(&start.environment, renamed.variable).is_some() {
            faults.note(renamed.fault(renamed.variable.to_owned()));
        }
    }
    let mut merged = merge(&line, &start.environment, &file, &mut faults);
    database::add_url_parameters(&mut merged);
    // A faulty setting keeps its default, so that the others are checked too.
    let (cli, matches) = read(&line, &merged)?;
    let source = match cli.verb() {
        Verb::Import(args) => source(&args.source, &mut faults),
        _ => None,
    };
    match cli.settings.check(&mut faults) {
        Some(config) if faults.is_empty() => Ok(Loaded {
            config,
            effective: Effective::new(&matches, &merged),
            unused: unused_variables(start.environment.keys()),
            source,
        }),
        _ => Err(Refusal::Faults(lines(&faults))),
    }
}

/// One line for each fault.
fn lines(faults: &Faults) -> String {
    faults.lines(|id| Setting::find(id).map_or_else(|| id.to_owned(), |setting| setting.title()))
}

/// The source of an import. Like our database, it must not be a connection pooler.
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

/// Parses settings that are known to be valid.
fn read(
    line: &CommandLine,
    merged: &BTreeMap<String, (String, Source)>,
) -> Result<(Cli, ArgMatches), clap::Error> {
    let program = "messaging-server".to_owned();
    let settings = merged.iter().map(|(id, (text, _))| format!("--{id}={text}"));
    let settings = [program].into_iter().chain(settings).map(OsString::from);
    let arguments = settings.chain(line.words.iter().cloned());
    let command = Cli::described().mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command.try_get_matches_from(arguments)?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}

/// A renamed setting.
struct Renamed {
    /// Its old variable.
    variable: &'static str,
    /// Its old flag, without the dashes.
    id: &'static str,
    /// Its new flag, without the dashes.
    now: &'static str,
}

/// The renamed settings. Old names are refused rather than silently ignored.
const RENAMED: [Renamed; 1] =
    [Renamed { variable: "MAIL_HOUSE", id: "mail-house", now: "mail-sender-name" }];

impl Renamed {
    fn is_among(&self, arguments: &[OsString]) -> bool {
        arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--")).any(|flag| {
            flag.strip_prefix(self.id).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    }

    fn why(&self) -> String {
        let now = Setting::find(self.now).map_or_else(|| self.now.to_owned(), |it| it.title());
        format!("was renamed: it is {now} now")
    }

    /// The fault of setting it under its old name.
    fn fault(&self, what: String) -> Fault {
        Fault::elsewhere(what, self.why())
    }
}

// Which of several sources a setting takes its value from.

/// The command line, its values not yet parsed.
struct CommandLine {
    /// The verb with its subverbs, and the arguments that only it has.
    words: Vec<OsString>,
    /// The value of each setting that is given as a flag.
    flags: BTreeMap<String, OsString>,
}

impl CommandLine {
    /// Splits `arguments`, of which the first is the program's name.
    fn parse(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let unread = Cli::described().mut_args(|arg| {
            let arg = arg.env(Resettable::Reset).default_value(Resettable::Reset);
            arg.value_parser(value_parser!(OsString))
        });
        if let Some(renamed) = RENAMED.iter().find(|renamed| renamed.is_among(arguments)) {
            let why = format!("--{} {}\n", renamed.id, renamed.why());
            return Err(Cli::described().error(ErrorKind::UnknownArgument, why));
        }
        let matches = unread.clone().try_get_matches_from(arguments)?;
        let (mut words, mut innermost, mut verb) = (Vec::new(), &matches, Some(&unread));
        while let Some((word, inner)) = innermost.subcommand() {
            words.push(OsString::from(word));
            (innermost, verb) = (inner, verb.and_then(|verb| verb.find_subcommand(word)));
        }
        if let Some(verb) = verb.filter(|_| !words.is_empty()) {
            words.extend(arguments_of(verb, innermost));
        }
        let ids: Vec<String> = Setting::all().iter().map(|it| it.id().to_owned()).collect();
        let flags = ids.into_iter().chain([FILE_FLAG.to_owned()]);
        let given = flags.filter_map(|id| Some((id.clone(), given(innermost, &id)?)));
        Ok(Self { words, flags: given.collect() })
    }

    /// The settings file that a flag names.
    fn file(&self) -> Option<&OsStr> {
        self.flags.get(FILE_FLAG).map(OsString::as_os_str)
    }
}

/// The arguments that only `verb` has, as given.
fn arguments_of(verb: &Command, matches: &ArgMatches) -> Vec<OsString> {
    let given = |arg: &&Arg| {
        let source = matches.value_source(arg.get_id().as_str());
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    };
    verb.get_arguments().filter(given).flat_map(|arg| argument_words(arg, matches)).collect()
}

fn argument_words(arg: &Arg, matches: &ArgMatches) -> Vec<OsString> {
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

/// The value of a variable. An empty one counts as unset, as compose files write it.
fn variable<'a>(environment: &'a BTreeMap<String, OsString>, name: &str) -> Option<&'a OsString> {
    environment.get(name).filter(|value| !value.is_empty())
}

/// The text and the source of every setting that some source sets. An invalid value becomes a fault.
fn merge(
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

// The file with settings.

/// The text of each setting in the file, by flag.
fn read_file(path: &Path, faults: &mut Faults) -> BTreeMap<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, faults),
        Err(cause) => {
            let why = format!("{} cannot be read: {}", path.display(), cause.kind());
            faults.note(Fault::elsewhere("MESSAGING_CONFIG", why));
            BTreeMap::new()
        }
    }
}

fn parse(text: &str, faults: &mut Faults) -> BTreeMap<String, String> {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(cause) => {
            // The parser's message quotes the line, which may contain a secret.
            let number = cause.span().map(|span| text[..span.start].lines().count().max(1));
            let line = number.map(|line| format!(" (line {line})")).unwrap_or_default();
            faults.note(Fault::elsewhere("MESSAGING_CONFIG", format!("is not TOML{line}")));
            return BTreeMap::new();
        }
    };
    let known = Setting::all();
    let mut settings = BTreeMap::new();
    for (section, content) in table {
        let Value::Table(keys) = content else {
            faults.note(Fault::elsewhere(section, "is not in a section of the file"));
            continue;
        };
        for (key, value) in keys {
            let id = format!("{section}-{key}");
            if let Some(renamed) = RENAMED.iter().find(|renamed| renamed.id == id) {
                faults.note(renamed.fault(format!("{section}.{key}")));
            } else if !known.iter().any(|it| it.name() == (section.as_str(), key.as_str())) {
                faults.note(Fault::elsewhere(format!("{section}.{key}"), "is no setting"));
            } else if let Some(text) = as_text(&value) {
                settings.insert(id, text);
            } else {
                faults
                    .note(Fault::new(&id, "must be text, a number, yes or no, or a list of texts"));
            }
        }
    }
    settings
}

/// The value as a variable would have it: a list separated by commas.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

// Variables of the legacy service that may stay set and have no effect.

/// Prefixes of their names.
pub(crate) const PREFIXES: [&str; 1] = ["REDIS_"];
/// Other names.
pub(crate) const NAMES: [&str; 1] = ["SHADOW_DATABASE_URL"];

/// Those of `variables` that have no effect.
fn unused_variables<'a>(variables: impl Iterator<Item = &'a String>) -> Vec<String> {
    let is_unused = |name: &&String| {
        let begins = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        begins || NAMES.contains(&name.as_str())
    };
    variables.filter(is_unused).cloned().collect()
}

#[cfg(test)]
mod file_tests {
    use super::*;

    #[test]
    fn a_file_names_settings_by_section_and_key() {
        let mut faults = Faults::default();
        let settings = parse(
            "[http]\nport = 80\n[limits]\nenabled = false\n[origins]\nfront-url = [\"a\", \"b\"]\n",
            &mut faults,
        );
        assert_eq!(faults, Faults::default());
        assert_eq!(settings["http-port"], "80");
        assert_eq!(settings["limits-enabled"], "false");
        assert_eq!(settings["origins-front-url"], "a,b");
    }

    #[test]
    fn what_is_no_setting_is_a_fault_and_all_are_listed() {
        let mut faults = Faults::default();
        parse(
            "port = 1\n[http]\nprot = 1\nport = 1.5\n[htpp]\nport = 1\n[tokens]\nsecret = [1]\n",
            &mut faults,
        );
        let shown = lines(&faults);
        for what in ["port: ", "http.prot: ", "PORT (http.port): ", "htpp.port: ", "JWT_SECRET"] {
            assert!(shown.lines().any(|line| line.starts_with(what)), "{what} in {shown}");
        }
    }

    #[test]
    fn a_broken_line_is_named_and_not_quoted() {
        let mut faults = Faults::default();
        parse("[tokens]\nsecret = \"canary\nissuer = 1\n", &mut faults);
        assert_eq!(lines(&faults), "MESSAGING_CONFIG: is not TOML (line 2)\n");
    }
}
