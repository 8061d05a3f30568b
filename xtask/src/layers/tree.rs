//! What `cargo tree` prints.

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
    /// It is part of it.
    Normal,
    /// It helps to build it.
    Build,
    /// Only its tests need it.
    Dev,
}

impl Kind {
    /// As cargo calls it.
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

#[cfg(test)]
mod tests {
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
