//! What goes wrong here.

use std::{error::Error, fmt};

type Source = Box<dyn Error + Send + Sync>;

/// Something the test kit could not do, or found other than it must be. Its `Debug` tells the whole chain,
/// because that is what a failed test prints.
pub struct Fault {
    what: String,
    source: Option<Source>,
}

impl Fault {
    /// Something is not as it must be.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// For `map_err`: this went wrong while we tried to do `what`.
    pub fn while_doing<E: Into<Source>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        |source| Self { what: format!("could not {}", what.into()), source: Some(source.into()) }
    }

    /// Every sentence of the chain, outermost first.
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

/// `Ok` when `found` is what it must be, else a fault that shows both.
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
