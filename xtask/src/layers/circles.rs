//! Files of one crate that use one another: none but those on the list.

use std::{collections::BTreeSet, path::Path};

use xtask::{modules::Graph, workspace};

use crate::failure::Failure;

/// A circle that may stay, for the reason given with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// Its files, from the root of the workspace.
    pub(super) files: &'static [&'static str],
    /// Why it does no harm, or what will end it.
    pub(super) because: &'static str,
}

/// What is wrong with the circles of every crate: those that are not on `allowed`, and those of the list that are gone.
pub(super) fn objections(allowed: &[Allowed]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for root in workspace::crate_roots().map_err(Failure::while_doing("list the crates"))? {
        let graph = Graph::of(&root).map_err(|error| Failure::Other(error.to_string()))?;
        found.extend(
            graph.circles().into_iter().map(|circle| {
                circle.iter().map(|file| relative(file)).collect::<BTreeSet<String>>()
            }),
        );
    }
    Ok(compare(&found, allowed))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(workspace::root()).unwrap_or(file).display().to_string()
}

fn compare(found: &[BTreeSet<String>], allowed: &[Allowed]) -> Vec<String> {
    let is_same =
        |circle: &BTreeSet<String>, allowed: &Allowed| circle.iter().eq(sorted(allowed).iter());
    let new = found.iter().filter(|circle| !allowed.iter().any(|one| is_same(circle, one)));
    let gone = allowed.iter().filter(|one| !found.iter().any(|circle| is_same(circle, one)));
    let new = new.map(|circle| {
        let files: Vec<&str> = circle.iter().map(String::as_str).collect();
        format!(
            "{} files use one another in a circle: {}. Cut it, or list it with its reason in xtask/src/layers/plan.rs",
            files.len(),
            files.join(", ")
        )
    });
    let gone = gone.map(|one| {
        format!(
            "this circle is no more, take it off the list in xtask/src/layers/plan.rs: {} ({})",
            one.files.join(", "),
            one.because
        )
    });
    new.chain(gone).collect()
}

fn sorted(allowed: &Allowed) -> Vec<&'static str> {
    let mut files = allowed.files.to_vec();
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &[Allowed] = &[Allowed { files: &["b.rs", "a.rs"], because: "one idea" }];

    fn circle(files: &[&str]) -> BTreeSet<String> {
        files.iter().map(|file| (*file).to_owned()).collect()
    }

    #[test]
    fn a_listed_circle_may_stay() {
        assert!(compare(&[circle(&["a.rs", "b.rs"])], LISTED).is_empty());
    }

    #[test]
    fn a_circle_that_grew_or_is_new_is_told() {
        let wrong = compare(&[circle(&["a.rs", "b.rs", "c.rs"])], LISTED);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("3 files use one another in a circle: a.rs, b.rs, c.rs."));
    }

    #[test]
    fn a_circle_that_is_gone_leaves_the_list() {
        let wrong = compare(&[], LISTED);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("b.rs, a.rs (one idea)"), "{wrong:?}");
    }
}
