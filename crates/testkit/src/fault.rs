//! The error type of the test kit.

use std::{error::Error, fmt};

type Source = Box<dyn Error + Send + Sync>;

/// A failed operation or check. `Debug` shows the whole chain of causes, because a failed test prints
/// `Debug`.
pub struct Fault {
    what: String,
    source: Option<Source>,
}

impl Fault {
    /// A failed check.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// For `map_err`: a failed operation, described by `what`.
    pub fn while_doing<E: Into<Source>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        |source| Self { what: format!("could not {}", what.into()), source: Some(source.into()) }
    }

    /// The whole chain of causes, outermost first.
    pub fn chain(&self) -> String {
        let mut text = self.what.clone();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Checks that `found` equals `expected`; the fault shows both.
///
/// # Errors
/// When they differ.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a check reads like a sentence; what it compares is small"
)]
pub fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::new(format!("{what}: expected {expected:?}, found {found:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_cause() {
        let inner: Result<(), Fault> = Err(Fault::new("connection refused"));
        let outer = inner.map_err(Fault::while_doing("connect"));
        assert_eq!(
            outer.map_err(|fault| fault.chain()),
            Err("could not connect: connection refused".to_owned())
        );
    }

    #[test]
    fn a_difference_shows_both_sides() {
        let fault = same("unread", 2, 1).expect_err("they differ");
        assert_eq!(fault.to_string(), "unread: expected 1, found 2");
    }
}
