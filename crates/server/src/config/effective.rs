use std::{collections::BTreeMap, fmt};

use clap::ArgMatches;

use storage_pg::Address;

use super::{
    database::{DIRECT_URL, URL},
    merge::Source,
    setting::Setting,
};

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
    /// What does nothing of it.
    unused: Option<String>,
}

impl Effective {
    /// The settings in `matches`, which `merged` took from somewhere.
    pub(super) fn new(matches: &ArgMatches, merged: &BTreeMap<String, (String, Source)>) -> Self {
        let line = |setting: Setting| {
            let (section, key) = setting.name();
            let value = matches.get_raw(setting.id()).and_then(|mut values| values.next_back());
            let unused = value.and_then(|value| {
                unused(&setting, &value.to_string_lossy(), merged.contains_key(DIRECT_URL))
            });
            let value = value.map(|value| shown(&setting, &value.to_string_lossy()));
            let source = merged.get(setting.id()).map_or(Source::Default, |(_, source)| *source);
            Line { section: section.to_owned(), key: key.to_owned(), value, source, unused }
        };
        Self(Setting::all().into_iter().map(line).collect())
    }
}

fn is_address(setting: &Setting) -> bool {
    [URL, DIRECT_URL].contains(&setting.id())
}

/// What does nothing of an address: all of it beside a direct one, or some of its parameters.
fn unused(setting: &Setting, text: &str, is_direct: bool) -> Option<String> {
    if setting.id() == URL && is_direct {
        return Some("not used, direct-url is".to_owned());
    }
    let address = Address::parse(text).ok().filter(|_| is_address(setting))?;
    let unused = address.unused();
    (!unused.is_empty()).then(|| format!("not used: {}", unused.join(", ")))
}

fn shown(setting: &Setting, text: &str) -> String {
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

/// The text as TOML has it: a number as it is, anything else in quotes.
fn quoted(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(_) => text.to_owned(),
        Err(_) => toml::Value::from(text).to_string(),
    }
}
