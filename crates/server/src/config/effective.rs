use std::{collections::BTreeMap, fmt};

use clap::ArgMatches;

use super::{merge::Source, setting::Setting, value::DatabaseUrl};

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// Every setting as it is in force. Its `Display` is the file that would set the same, with secrets
/// hidden and the source of each value behind it.
#[derive(Clone, Debug)]
pub(crate) struct Effective(Vec<Line>);

#[derive(Clone, Debug)]
struct Line {
    section: String,
    key: String,
    value: Option<String>,
    source: Source,
}

impl Effective {
    /// The settings in `matches`, which `merged` took from somewhere.
    pub(super) fn new(matches: &ArgMatches, merged: &BTreeMap<String, (String, Source)>) -> Self {
        let line = |setting: Setting| {
            let (section, key) = setting.name();
            let value = matches.get_raw(setting.id()).and_then(|mut values| values.next_back());
            let value = value.map(|value| shown(&setting, &value.to_string_lossy()));
            let source = merged.get(setting.id()).map_or(Source::Default, |(_, source)| *source);
            Line { section: section.to_owned(), key: key.to_owned(), value, source }
        };
        Self(Setting::all().into_iter().map(line).collect())
    }
}

fn shown(setting: &Setting, text: &str) -> String {
    if setting.id() == super::database::URL {
        return DatabaseUrl::parse(text).map_or(HIDDEN.to_owned(), |url| url.to_string());
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
                Some(text) => writeln!(f, "{} = {} # {}", line.key, quoted(text), line.source)?,
                None => writeln!(f, "# {} is not set", line.key)?,
            }
        }
        Ok(())
    }
}

/// The text as TOML has it: a number as it is, anything else in quotes.
fn quoted(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(_) => text.to_owned(),
        Err(_) => toml::Value::from(text).to_string(),
    }
}
