//! How a crate is held to what it may see.

use super::tree::{Kind, Package};

/// What one of our crates may depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The crate.
    pub(super) of: &'static str,
    /// Those of our crates it may use.
    pub(super) may_see: &'static [&'static str],
    /// Those its tests may use besides.
    pub(super) tests_may_see: &'static [&'static str],
    /// What would be lost otherwise.
    pub(super) because: &'static str,
}

/// Fakes and mocks, which no running server may contain.
const TESTS_ONLY: &str = "testing";

impl Rule {
    /// What is wrong with `tree`: the crate itself, then those it depends on directly.
    pub(super) fn broken_by(&self, kind: Kind, tree: &[Package], ours: &[&str]) -> Vec<String> {
        tree.iter()
            .filter(|package| package.name != self.of && ours.contains(&package.name.as_str()))
            .filter_map(|package| self.objection(kind, package))
            .map(|objection| format!("{objection}: {}", self.because))
            .collect()
    }

    fn objection(&self, kind: Kind, to: &Package) -> Option<String> {
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

/// Members of the workspace that no rule is about.
pub(super) fn unknown(rules: &[Rule], members: &[&str]) -> Vec<String> {
    members
        .iter()
        .filter(|member| rules.iter().all(|rule| rule.of != **member))
        .map(|member| format!("{member} is new: say in xtask/src/layers/plan.rs what it may see"))
        .collect()
}

/// Packages below `domain` that nobody agreed to.
pub(super) fn strangers(allowed: &[&str], below_domain: &[Package]) -> Vec<String> {
    let mut names: Vec<&str> = below_domain.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| *name != "domain" && !allowed.contains(name))
        .map(|name| {
            format!("domain reaches {name}: drivers, runtimes and formats stop at its door")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            plan::{DOMAIN_MAY_USE, RULES},
            tree::parse,
        },
        *,
    };

    const OURS: [&str; 4] = ["api", "domain", "server", "storage-pg"];

    fn rule_of(name: &str) -> Rule {
        *RULES.iter().find(|rule| rule.of == name).expect("a rule")
    }

    fn broken(of: &str, kind: Kind, tree: &str) -> Vec<String> {
        rule_of(of).broken_by(kind, &parse(tree), &OURS)
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
        assert!(unknown(RULES, &["domain", "testkit"]).is_empty());
        assert_eq!(unknown(RULES, &["domain", "carrier-pigeon"]).len(), 1);
    }

    #[test]
    fn a_driver_deep_below_the_domain_is_caught() {
        let tree = parse("domain v0.1.0 (/w)|\nuuid v1.0.0|\ntokio v1.0.0|\ntokio v1.0.0| (*)\n");
        let wrong = strangers(DOMAIN_MAY_USE, &tree);
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
