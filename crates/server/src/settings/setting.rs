//! The list of settings, and their effective values.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use clap::{Arg, ArgMatches, Args as _, Command, builder::Resettable};
use storage_pg::Address;

use super::{
    Settings,
    database::{DIRECT_URL, URL},
    value::Source,
};

/// One setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting(Arg);

impl Setting {
    /// All settings, in the order of the sections.
    pub(crate) fn all() -> Vec<Self> {
        let command = Settings::augment_args(Command::new("settings"));
        command.get_arguments().cloned().map(Self).collect()
    }

    /// The setting with the flag `--id`.
    pub(crate) fn find(id: &str) -> Option<Self> {
        Self::all().into_iter().find(|setting| setting.id() == id)
    }

    /// Its flag, without the dashes.
    pub(crate) fn id(&self) -> &str {
        self.0.get_id().as_str()
    }

    /// Its section and its key in the file.
    pub(crate) fn name(&self) -> (&str, &str) {
        self.id().split_once('-').unwrap_or(("", self.id()))
    }

    /// Its environment variable.
    pub(crate) fn variable(&self) -> &str {
        self.0.get_env().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Its variable and its name in the file, for messages.
    pub(crate) fn title(&self) -> String {
        let (section, key) = self.name();
        format!("{} ({section}.{key})", self.variable())
    }

    /// The heading of its section.
    pub(crate) fn heading(&self) -> &str {
        self.0.get_help_heading().unwrap_or_default()
    }

    /// Its description.
    pub(crate) fn help(&self) -> String {
        self.0.get_help().map(ToString::to_string).unwrap_or_default()
    }

    /// Its default.
    pub(crate) fn default(&self) -> Option<String> {
        self.0.get_default_values().first().map(|value| value.to_string_lossy().into_owned())
    }

    /// Its possible values: names, bounds, or the kind of text.
    pub(crate) fn values(&self) -> String {
        let possible = self.0.get_possible_values();
        if possible.is_empty() {
            let names = self.0.get_value_names().unwrap_or_default();
            return names.iter().map(clap::builder::Str::as_str).collect();
        }
        let possible: Vec<_> =
            possible.iter().map(clap::builder::PossibleValue::get_name).collect();
        possible.join(", ")
    }

    /// Whether its value is secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.0.is_hide_env_values_set()
    }

    /// Why `text` is not a value of it; `None` if it is. The reason does not repeat the text.
    pub(crate) fn fault_in(&self, text: &str) -> Option<String> {
        let arg = self.0.clone().env(Resettable::Reset);
        let command = Command::new("setting").arg(arg);
        let flag = format!("--{}={text}", self.id());
        let refusal = command.try_get_matches_from(["setting", &flag]).err()?;
        let reason = std::error::Error::source(&refusal).map(ToString::to_string);
        Some(reason.unwrap_or_else(|| format!("must be one of {}", self.values())))
    }
}

/// Printed in place of a secret.
const HIDDEN: &str = "***";

/// The effective value of every setting. Its `Display` is the file that would set the same, with secrets hidden and the
/// source of each value in a comment.
#[derive(Clone, Debug)]
pub(crate) struct Effective(Vec<Line>);

#[derive(Clone, Debug)]
struct Line {
    section: String,
    key: String,
    value: Option<String>,
    source: Source,
    /// Which part of it has no effect.
    unused: Option<String>,
}

impl Effective {
    /// The settings in `matches`; `merged` has the sources of those that are set.
    pub(crate) fn new(matches: &ArgMatches, merged: &BTreeMap<String, (String, Source)>) -> Self {
        let line = |setting: Setting| {
            let (section, key) = setting.name();
            let value = matches.get_raw(setting.id()).and_then(|mut values| values.next_back());
            let unused = value.and_then(|value| {
                unused(&setting, &value.to_string_lossy(), merged.contains_key(DIRECT_URL))
            });
            let value = value.map(|value| printable(&setting, &value.to_string_lossy()));
            let source = merged.get(setting.id()).map_or(Source::Default, |(_, source)| *source);
            Line { section: section.to_owned(), key: key.to_owned(), value, source, unused }
        };
        Self(Setting::all().into_iter().map(line).collect())
    }
}

fn is_address(setting: &Setting) -> bool {
    [URL, DIRECT_URL].contains(&setting.id())
}

/// Which part of a URL has no effect: all of it if the direct one is set, or some of its parameters.
fn unused(setting: &Setting, text: &str, is_direct: bool) -> Option<String> {
    if setting.id() == URL && is_direct {
        return Some("not used, direct-url is".to_owned());
    }
    let address = Address::parse(text).ok().filter(|_| is_address(setting))?;
    let unused = address.unused();
    (!unused.is_empty()).then(|| format!("not used: {}", unused.join(", ")))
}

fn printable(setting: &Setting, text: &str) -> String {
    if is_address(setting) {
        return Address::parse(text).map_or(HIDDEN.to_owned(), |address| address.to_string());
    }
    if setting.is_secret() { HIDDEN.to_owned() } else { text.to_owned() }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for line in &self.0 {
            if line.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = &line.section;
                writeln!(f, "{gap}[{section}]")?;
            }
            match &line.value {
                Some(text) => {
                    let unused = line.unused.iter().map(|unused| format!("; {unused}"));
                    let unused: String = unused.collect();
                    writeln!(f, "{} = {} # {}{unused}", line.key, quoted(text), line.source)?;
                }
                None => writeln!(f, "# {} is not set", line.key)?,
            }
        }
        Ok(())
    }
}

/// The text as TOML: a number as it is, anything else in quotes.
fn quoted(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(_) => text.to_owned(),
        Err(_) => toml::Value::from(text).to_string(),
    }
}

// The table of all settings, as the documentation has it.

const HEAD: &str =
    "| In the file | Variable | Default | Values | Meaning |\n| --- | --- | --- | --- | --- |\n";

/// A Markdown table for each section.
pub(crate) fn table() -> String {
    let (mut text, mut heading) = (String::new(), String::new());
    for setting in Setting::all() {
        if setting.heading() != heading {
            let gap = if heading.is_empty() { "" } else { "\n" };
            setting.heading().clone_into(&mut heading);
            let section = setting.name().0;
            let _infallible = write!(text, "{gap}### {heading}: `[{section}]`\n\n{HEAD}");
        }
        text.push_str(&row(&setting));
    }
    text
}

fn row(setting: &Setting) -> String {
    let (_, key) = setting.name();
    let default = setting.default().map(|text| format!("`{text}`")).unwrap_or_default();
    format!(
        "| `{key}` | `{}` | {default} | {} | {} |\n",
        setting.variable(),
        setting.values(),
        setting.help()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_has_a_section_a_variable_of_its_own_and_a_description() {
        let settings = Setting::all();
        let variables: BTreeSet<_> = settings.iter().map(Setting::variable).collect();
        assert_eq!(variables.len(), settings.len());
        for setting in settings {
            let (section, key) = setting.name();
            assert!(!section.is_empty() && !key.is_empty(), "{}", setting.id());
            let whole = [setting.variable(), setting.heading(), &setting.help(), &setting.values()];
            assert!(whole.iter().all(|text| !text.is_empty()), "{}: {whole:?}", setting.id());
        }
    }

    #[test]
    fn the_bounds_that_are_shown_are_the_bounds_that_are_kept() {
        let mut bounded = 0;
        for setting in Setting::all() {
            let values = setting.values();
            // One that has a number besides its range says so in front of it: `0, 30..36500`.
            let (besides, range) = values.rsplit_once(", ").unwrap_or(("", &values));
            let Some((min, max)) = range.split_once("..") else {
                continue;
            };
            assert!(besides.is_empty() || setting.fault_in(besides).is_none(), "{}", setting.id());
            let number = |text: &str| text.parse::<u64>().expect("a bound");
            for inside in [number(min), number(max)] {
                assert_eq!(
                    setting.fault_in(&inside.to_string()),
                    None,
                    "{} {inside}",
                    setting.id()
                );
            }
            let below = number(min).checked_sub(1).map_or("-1".to_owned(), |n| n.to_string());
            for outside in [below, (number(max) + 1).to_string(), String::new()] {
                assert!(setting.fault_in(&outside).is_some(), "{} {outside}", setting.id());
            }
            bounded += 1;
        }
        assert!(bounded > 20, "{bounded} settings have bounds");
    }

    #[test]
    fn a_number_without_a_shown_bound_does_not_exist() {
        for setting in Setting::all() {
            let is_number = setting.fault_in("x").is_some_and(|why| why.contains("number"));
            assert_eq!(is_number, setting.values().contains(".."), "{}", setting.id());
        }
    }

    #[test]
    fn every_default_is_a_value() {
        for setting in Setting::all() {
            if let Some(default) = setting.default() {
                assert_eq!(setting.fault_in(&default), None, "{}", setting.id());
            }
        }
    }
}

#[cfg(test)]
mod table_tests {
    use super::*;
    use crate::load::{NAMES, PREFIXES};

    const GUIDE: &str = include_str!("../../../../docs/configuration.md");

    #[test]
    fn the_guide_has_every_setting_as_it_is() {
        assert!(
            GUIDE.contains(&table()),
            "docs/configuration.md is out of date: `messaging-server config docs` prints its table"
        );
    }

    #[test]
    fn the_guide_names_the_variables_without_effect() {
        for name in NAMES.into_iter().chain(PREFIXES) {
            assert!(GUIDE.contains(name), "{name}");
        }
    }
}
