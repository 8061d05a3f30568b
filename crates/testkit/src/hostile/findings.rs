//! How large an attack is, and what it found.

use std::{fmt, path::Path};

use crate::Fault;

/// How large an attack is.
#[derive(Clone, Copy, Debug)]
pub enum Size<'a> {
    /// As large as a test may be.
    Short,
    /// As large as the drill's. Connections are made by this program, in processes of their own.
    Full {
        /// This program: see [`hold`](super::connections::hold).
        program: &'a Path,
    },
}

impl Size<'_> {
    /// One of two numbers.
    pub(super) fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full { .. } => full,
        }
    }
}

/// What an attack found, and what it should have found.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    what: String,
    value: u64,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    None,
    Exactly(u64),
    AtMost(u64),
    AtLeast(u64),
}

impl Findings {
    /// A number that may be any.
    pub(super) fn note(&mut self, what: impl Into<String>, value: impl TryInto<u64>) {
        self.add(what, value, Bound::None);
    }

    pub(super) fn exactly(
        &mut self,
        what: impl Into<String>,
        value: impl TryInto<u64>,
        expected: u64,
    ) {
        self.add(what, value, Bound::Exactly(expected));
    }

    pub(super) fn at_most(&mut self, what: impl Into<String>, value: impl TryInto<u64>, most: u64) {
        self.add(what, value, Bound::AtMost(most));
    }

    pub(super) fn at_least(
        &mut self,
        what: impl Into<String>,
        value: impl TryInto<u64>,
        least: u64,
    ) {
        self.add(what, value, Bound::AtLeast(least));
    }

    fn add(&mut self, what: impl Into<String>, value: impl TryInto<u64>, bound: Bound) {
        let value = value.try_into().unwrap_or(u64::MAX);
        self.0.push(Finding { what: what.into(), value, bound });
    }

    /// Checks every finding against its bound.
    ///
    /// # Errors
    /// Names all that are beyond theirs.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong: Vec<String> =
            self.0.iter().filter(|finding| !finding.holds()).map(ToString::to_string).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Fault::new(wrong.join("; "))) }
    }
}

impl Finding {
    fn holds(&self) -> bool {
        match self.bound {
            Bound::None => true,
            Bound::Exactly(expected) => self.value == expected,
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.value, self.bound)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("any"),
            Self::Exactly(expected) => write!(f, "exactly {expected}"),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| found | number | bound |\n| --- | ---: | ---: |")?;
        for Finding { what, value, bound } in &self.0 {
            writeln!(f, "| {what} | {value} | {bound} |")?;
        }
        Ok(())
    }
}
