//! The guides agree with the program.

use std::{collections::BTreeSet, fs, path::Path};

use clap::{Command, error::ErrorKind};

use crate::{cli::Cli, load, settings::setting::Setting};

const GUIDE: &str = include_str!("../../../../../docs/configuration.md");
const PROGRAM: &str = "messaging-server ";
/// A variable of a test.
const OTHERS: [&str; 1] = ["RETENTION_MESSAGES"];

/// The guides and the README by name.
fn guides() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = fs::read_dir(root.join("docs")).expect("the folder of guides");
    let files = listed.map(|entry| entry.expect("an entry").path());
    let guides = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let texts = guides.chain([root.join("README.md")]).map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        (path.display().to_string(), text)
    });
    texts.collect()
}

/// Verbs without subverbs, such as `jobs list`.
fn verbs(command: &Command, before: &str) -> Vec<String> {
    let inner: Vec<_> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    if inner.is_empty() {
        return vec![before.trim().to_owned()];
    }
    let within = |it: &&Command| verbs(it, &format!("{before} {}", it.get_name()));
    inner.iter().flat_map(within).collect()
}

fn needs_more(refused: &clap::Error) -> bool {
    refused.kind() == ErrorKind::MissingRequiredArgument
}

#[test]
fn the_guide_has_every_verb() {
    for verb in verbs(&Cli::described(), "") {
        let mentions = [format!("`{verb}`"), format!("`{verb} "), format!("`{verb},")];
        assert!(mentions.iter().any(|text| GUIDE.contains(text)), "{verb}");
    }
}

#[test]
fn a_command_that_a_guide_shows_can_be_given() {
    let mut shown = 0;
    for (name, text) in guides() {
        for (at, _) in text.match_indices(PROGRAM) {
            let after = &text[at + PROGRAM.len()..];
            let line = after.split(['`', '\n', '#', '|', '>', ';']).next().unwrap_or_default();
            let words = [PROGRAM.trim()].into_iter().chain(line.split_whitespace());
            let refused = Cli::described().try_get_matches_from(words).err();
            let (in_prose, alone) = (text[..at].ends_with('`'), text[..at].ends_with('\n'));
            // Prose may name a verb without its arguments.
            let is_named = in_prose && refused.as_ref().is_some_and(needs_more);
            if in_prose || alone {
                assert!(refused.is_none() || is_named, "{name}: {line}: {refused:?}");
                shown += 1;
            }
        }
    }
    assert!(shown > 3, "{shown} commands were found");
}

#[test]
fn a_guide_names_no_variable_that_does_not_exist() {
    let variables: BTreeSet<String> =
        Setting::all().iter().map(|setting| setting.variable().to_owned()).collect();
    let family = |name: &str| name.split_once('_').map(|(first, _)| first.to_owned());
    let families: BTreeSet<String> = variables.iter().filter_map(|name| family(name)).collect();
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    for (guide, text) in guides() {
        for name in text.split(|c: char| !is_part(c)) {
            let is_ours = family(name).is_some_and(|first| families.contains(&first));
            let is_known =
                variables.contains(name) || load::NAMES.contains(&name) || OTHERS.contains(&name);
            assert!(!is_ours || is_known, "{guide}: {name}");
        }
    }
}
