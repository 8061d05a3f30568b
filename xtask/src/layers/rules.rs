//! How the rules about dependencies are checked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use xtask::{modules::Graph, workspace};

use crate::failure::Failure;

/// What one of our crates may depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The crate.
    pub(super) of: &'static str,
    /// Those of our crates it may use.
    pub(super) may_see: &'static [&'static str],
    /// Those its tests may use besides.
    pub(super) tests_may_see: &'static [&'static str],
    /// Why.
    pub(super) because: &'static str,
}

/// The feature for fakes and mocks, which only tests may use.
const TESTS_ONLY: &str = "testing";

impl Rule {
    /// What is wrong with `tree`: the crate itself, then those it depends on directly.
    pub(super) fn violations(&self, kind: Kind, tree: &[Package], ours: &[&str]) -> Vec<String> {
        tree.iter()
            .filter(|package| package.name != self.of && ours.contains(&package.name.as_str()))
            .filter_map(|package| self.fault(kind, package))
            .map(|fault| format!("{fault}: {}", self.because))
            .collect()
    }

    fn fault(&self, kind: Kind, to: &Package) -> Option<String> {
        let (of, name) = (self.of, to.name.as_str());
        let in_tests = kind == Kind::Dev;
        let allowed =
            self.may_see.contains(&name) || in_tests && self.tests_may_see.contains(&name);
        if !allowed {
            let whose = if in_tests { "the tests of " } else { "" };
            return Some(format!("{whose}{of} may not see {name}"));
        }
        let fakes = !in_tests && to.features.iter().any(|feature| feature == TESTS_ONLY);
        fakes.then(|| format!("{of} uses {name} with its feature `{TESTS_ONLY}`, outside of tests"))
    }
}

/// Members of the workspace without a rule.
pub(super) fn unlisted(rules: &[Rule], members: &[&str]) -> Vec<String> {
    members
        .iter()
        .filter(|member| rules.iter().all(|rule| rule.of != **member))
        .map(|member| format!("{member} is new: say in xtask/src/layers/plan.rs what it may see"))
        .collect()
}

/// Packages below `domain` that are not on the list.
pub(super) fn foreign_packages(allowed: &[&str], below_domain: &[Package]) -> Vec<String> {
    let mut names: Vec<&str> = below_domain.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| *name != "domain" && !allowed.contains(name))
        .map(|name| {
            format!("domain reaches {name}: drivers, runtimes and formats are for adapters")
        })
        .collect()
}

// What `cargo tree` prints.

/// A package in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// The features it is built with.
    pub(super) features: Vec<String>,
}

/// Why one package depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A normal dependency.
    Normal,
    /// A build dependency.
    Build,
    /// A dependency of tests.
    Dev,
}

impl Kind {
    /// The name in cargo.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Build => "build",
            Self::Dev => "dev",
        }
    }
}

/// Reads lines of the format `{p}|{f}` without prefixes.
pub(super) fn parse(text: &str) -> Vec<Package> {
    text.lines().filter_map(package).collect()
}

// `domain v0.1.0 (/here/crates/domain)|default,testing (*)`; a blank line between roots.
fn package(line: &str) -> Option<Package> {
    let (package, features) = line.split_once('|')?;
    let features = features.trim().trim_end_matches("(*)").trim_end();
    Some(Package {
        name: package.split(' ').next()?.to_owned(),
        features: features
            .split(',')
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

// Files of one crate that use one another: none but those on the list.

/// What may stay although a rule is against it, for the reason given with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// Its files, from the root of the workspace.
    pub(super) files: &'static [&'static str],
    /// Why it is harmless, or what will remove it.
    pub(super) because: &'static str,
}

/// What is wrong with the circles of every crate: those that are not on `allowed`, and those of the list that are gone.
pub(super) fn circle_faults(allowed: &[Allowed]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for root in workspace::crate_roots().map_err(Failure::while_doing("list the crates"))? {
        let graph = Graph::of(&root).map_err(|error| Failure::Other(error.to_string()))?;
        found.extend(graph.circles().iter().map(|files| Circle::of(&graph, files)));
    }
    Ok(compare(&found, allowed))
}

/// Files that use one another, and who uses whom.
struct Circle {
    files: BTreeSet<String>,
    edges: Vec<String>,
}

impl Circle {
    fn of(graph: &Graph, files: &BTreeSet<PathBuf>) -> Self {
        let used_by = |file: &PathBuf| graph.uses.get(file).into_iter().flatten();
        let edges_of = |file: &PathBuf| {
            let inside: Vec<String> = used_by(file)
                .filter(|used| *used != file && files.contains(*used))
                .map(|used| relative(used))
                .collect();
            format!("  {} uses {}", relative(file), inside.join(", "))
        };
        Self {
            files: files.iter().map(|file| relative(file)).collect(),
            edges: files.iter().map(edges_of).collect(),
        }
    }
}

/// A file's path from the root of the workspace.
pub(super) fn relative(file: &Path) -> String {
    file.strip_prefix(workspace::root()).unwrap_or(file).display().to_string()
}

fn compare(found: &[Circle], allowed: &[Allowed]) -> Vec<String> {
    let is_same =
        |circle: &Circle, allowed: &Allowed| circle.files.iter().eq(sorted(allowed).iter());
    let new = found.iter().filter(|circle| !allowed.iter().any(|one| is_same(circle, one)));
    let gone = allowed.iter().filter(|one| !found.iter().any(|circle| is_same(circle, one)));
    let new = new.map(|circle| {
        format!(
            "{} files use one another in a circle; cut it, or list it with its reason in xtask/src/layers/plan.rs:\n{}",
            circle.files.len(),
            circle.edges.join("\n")
        )
    });
    let gone = gone.map(|one| {
        format!(
            "this circle is gone, remove it from the list in xtask/src/layers/plan.rs: {} ({})",
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
mod rules_tests {
    use super::{parse, *};
    use crate::layers::plan::{DOMAIN_MAY_USE, RULES};

    const OURS: [&str; 4] = ["api", "domain", "server", "storage-pg"];

    fn rule_of(name: &str) -> Rule {
        *RULES.iter().find(|rule| rule.of == name).expect("a rule")
    }

    fn broken(of: &str, kind: Kind, tree: &str) -> Vec<String> {
        rule_of(of).violations(kind, &parse(tree), &OURS)
    }

    #[test]
    fn an_edge_of_the_plan_is_allowed() {
        let tree = "api v0.1.0 (/w)|\ndomain v0.1.0 (/w)|\nserde v1.0.0|default\n";
        assert!(broken("api", Kind::Normal, tree).is_empty());
    }

    #[test]
    fn a_handler_that_reaches_for_a_query_is_caught() {
        let wrong = broken("api", Kind::Normal, "api v0.1.0 (/w)|\nstorage-pg v0.1.0 (/w)|\n");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("api may not see storage-pg: "), "{wrong:?}");
    }

    #[test]
    fn tests_are_no_way_around() {
        let wrong = broken("storage-pg", Kind::Dev, "storage-pg v0.1.0 (/w)|\napi v0.1.0 (/w)|\n");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("the tests of storage-pg may not see api: "), "{wrong:?}");
    }

    #[test]
    fn only_tests_may_have_fakes() {
        let tree = "api v0.1.0 (/w)|\ndomain v0.1.0 (/w)|testing\n";
        assert!(broken("api", Kind::Dev, tree).is_empty());
        assert_eq!(broken("api", Kind::Normal, tree).len(), 1);
    }

    #[test]
    fn a_crate_nobody_has_thought_about_is_caught() {
        assert!(unlisted(RULES, &["domain", "testkit"]).is_empty());
        assert_eq!(unlisted(RULES, &["domain", "carrier-pigeon"]).len(), 1);
    }

    #[test]
    fn a_driver_deep_below_the_domain_is_caught() {
        let tree = parse("domain v0.1.0 (/w)|\nuuid v1.0.0|\ntokio v1.0.0|\ntokio v1.0.0| (*)\n");
        let wrong = foreign_packages(DOMAIN_MAY_USE, &tree);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("domain reaches tokio"), "{wrong:?}");
    }

    #[test]
    fn no_rule_allows_a_circle() {
        for rule in RULES {
            for seen in rule.may_see {
                assert!(!rule_of(seen).may_see.contains(&rule.of), "{} and {seen}", rule.of);
            }
        }
    }
}

#[cfg(test)]
mod tree_tests {
    use super::*;

    #[test]
    fn names_and_features_are_read() {
        let text =
            "domain v0.1.0 (/a b/domain)|\n\nsyn v3.0.10|default,full (*)\nuuid v1.29.3| (*)\n";
        let packages = parse(text);
        let names: Vec<_> = packages.iter().map(|package| &package.name).collect();
        assert_eq!(names, ["domain", "syn", "uuid"]);
        assert_eq!(packages[1].features, ["default", "full"]);
        assert!(packages[0].features.is_empty() && packages[2].features.is_empty());
    }
}

#[cfg(test)]
mod circles_tests {
    use super::*;

    const LISTED: &[Allowed] = &[Allowed { files: &["b.rs", "a.rs"], because: "one idea" }];

    fn circle(files: &[&str]) -> Circle {
        let files: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let edges = files.iter().map(|file| format!("  {file} uses another")).collect();
        Circle { files, edges }
    }

    #[test]
    fn a_listed_circle_may_stay() {
        assert!(compare(&[circle(&["a.rs", "b.rs"])], LISTED).is_empty());
    }

    #[test]
    fn a_circle_that_grew_or_is_new_is_reported_with_its_edges() {
        let wrong = compare(&[circle(&["a.rs", "b.rs", "c.rs"])], LISTED);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("3 files use one another in a circle;"), "{wrong:?}");
        assert!(wrong[0].ends_with("\n  c.rs uses another"), "{wrong:?}");
    }

    #[test]
    fn a_circle_that_is_gone_leaves_the_list() {
        let wrong = compare(&[], LISTED);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("b.rs, a.rs (one idea)"), "{wrong:?}");
    }
}
