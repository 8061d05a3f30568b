//! The table of all settings, as the documentation has it.

use std::fmt::Write;

use super::setting::Setting;

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
    use super::{
        super::unused::{NAMES, PREFIXES},
        *,
    };

    const GUIDE: &str = include_str!("../../../../docs/configuration.md");

    #[test]
    fn the_guide_has_every_setting_as_it_is() {
        assert!(
            GUIDE.contains(&table()),
            "docs/configuration.md is out of date: `messaging-server config docs` prints its table"
        );
    }

    #[test]
    fn the_guide_names_what_is_accepted_and_does_nothing() {
        for name in NAMES.into_iter().chain(PREFIXES) {
            assert!(GUIDE.contains(name), "{name}");
        }
    }
}
