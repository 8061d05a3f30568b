use std::fmt;

use super::setting::Setting;

/// A setting that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    what: String,
    why: String,
}

impl Fault {
    /// A fault of the setting `id`.
    pub(super) fn new(id: &str, why: impl Into<String>) -> Self {
        let what = Setting::find(id).map_or_else(|| id.to_owned(), |setting| setting.shown());
        Self { what, why: why.into() }
    }

    /// A fault of something that is no setting: the file, or a key in it.
    pub(super) fn elsewhere(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// Everything that is wrong; one line each, one for each setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes `fault`, unless the setting already has one: what follows from a fault is not news.
    pub(super) fn note(&mut self, fault: Fault) {
        if self.0.iter().all(|known| known.what != fault.what) {
            self.0.push(fault);
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Fault { what, why } in &self.0 {
            writeln!(f, "{what}: {why}")?;
        }
        Ok(())
    }
}
