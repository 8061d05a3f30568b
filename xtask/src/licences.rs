//! `cargo xtask licences`: everything that ends up in the binary, or helps to build it, may be passed on.

mod allowed;
mod expression;

use std::{collections::BTreeSet, fs};

use xtask::workspace;

use crate::{
    failure::{Failure, no_arguments},
    run,
};

/// Checks the licence of every dependency against the list in `deny.toml`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let policy = fs::read_to_string(workspace::root().join("deny.toml"))
        .map_err(Failure::while_doing("read deny.toml"))?;
    let allowed = allowed::in_policy(&policy)
        .ok_or_else(|| Failure::Other("deny.toml has no `allow` list of licences".into()))?;
    let mut tree = workspace::cargo(["tree", "--workspace", "-e", "normal,build"]);
    let tree = run::output(tree.args(["--prefix", "none", "-f", "{p}|{l}"]))?;
    let packages = packages(&tree);
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|(package, licence)| {
            Some(format!("{package}: {}", objection(licence, &allowed)?))
        })
        .collect();
    if refused.is_empty() {
        println!("{} packages, every licence is on the list", packages.len());
        return Ok(());
    }
    Err(Failure::Other(refused.join("\n")))
}

fn packages(tree: &str) -> BTreeSet<(&str, &str)> {
    tree.lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(package, licence)| (package, licence.trim_end_matches("(*)").trim()))
        .collect()
}

fn objection(licence: &str, allowed: &[String]) -> Option<String> {
    if licence.is_empty() {
        return Some("says nothing about its licence".into());
    }
    match expression::is_met(licence, &|one| allowed.iter().any(|other| other == one)) {
        Some(true) => None,
        Some(false) => Some(format!("{licence} is not allowed by deny.toml")),
        None => Some(format!("{licence} is not a licence expression")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_judged_once() {
        let tree = "a v1.0.0|MIT\n\nb v1.0.0 (/w)|MIT OR Apache-2.0 (*)\na v1.0.0|MIT (*)\n";
        let expected = [("a v1.0.0", "MIT"), ("b v1.0.0 (/w)", "MIT OR Apache-2.0")];
        assert_eq!(packages(tree), BTreeSet::from(expected));
    }

    #[test]
    fn silence_nonsense_and_copyleft_are_refused() {
        let allowed = ["MIT".to_owned()];
        assert_eq!(objection("MIT", &allowed), None);
        for licence in ["", "MIT OR", "GPL-3.0-or-later", "MIT AND GPL-3.0-only"] {
            assert!(objection(licence, &allowed).is_some(), "{licence}");
        }
    }
}
