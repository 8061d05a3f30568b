//! Variables that the service before this one read. They may stay where they are set; nothing here
//! reads them yet.

/// What the names of such variables begin with.
pub(super) const PREFIXES: [&str; 1] = ["REDIS_"];
/// Such variables with other names.
pub(super) const NAMES: [&str; 1] = ["SHADOW_DATABASE_URL"];

/// Those of `variables` that do nothing.
pub(super) fn among<'a>(variables: impl Iterator<Item = &'a String>) -> Vec<String> {
    let is_unused = |name: &&String| {
        let begins = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        begins || NAMES.contains(&name.as_str())
    };
    variables.filter(is_unused).cloned().collect()
}
