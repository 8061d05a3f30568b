//! The file with settings.

use std::{collections::BTreeMap, path::Path};

use toml::{Table, Value};

use super::{
    fault::{Fault, Faults},
    setting::Setting,
};

/// Reads the settings in `path`: the text of each, by flag.
pub(super) fn read_file(path: &Path, faults: &mut Faults) -> BTreeMap<String, String> {
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
            // The parser's own text quotes the line, and the line may hold a secret.
            let place = cause.span().map(|span| text[..span.start].lines().count().max(1));
            let line = place.map(|line| format!(" (line {line})")).unwrap_or_default();
            faults.note(Fault::elsewhere("MESSAGING_CONFIG", format!("is not TOML{line}")));
            return BTreeMap::new();
        }
    };
    let known = Setting::all();
    let mut settings = BTreeMap::new();
    for (section, content) in table {
        let Value::Table(keys) = content else {
            faults.note(Fault::elsewhere(section, "stands in no section of the file"));
            continue;
        };
        for (key, value) in keys {
            let id = format!("{section}-{key}");
            if !known.iter().any(|it| it.name() == (section.as_str(), key.as_str())) {
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

/// The value as a variable would have it: a list is separated by commas.
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

#[cfg(test)]
mod tests {
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
        let shown = faults.to_string();
        for what in ["port: ", "http.prot: ", "PORT (http.port): ", "htpp.port: ", "JWT_SECRET"] {
            assert!(shown.lines().any(|line| line.starts_with(what)), "{what} in {shown}");
        }
    }

    #[test]
    fn a_broken_line_is_named_and_not_quoted() {
        let mut faults = Faults::default();
        parse("[tokens]\nsecret = \"planted\nissuer = 1\n", &mut faults);
        assert_eq!(faults.to_string(), "MESSAGING_CONFIG: is not TOML (line 2)\n");
    }
}
