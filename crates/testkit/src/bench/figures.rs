//! The numbers of a measurement, each with its name and unit.

use serde::{Deserialize, Serialize};

/// One number of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    /// What was measured, and under which load.
    pub(super) name: String,
    /// The unit of the value.
    pub(super) unit: String,
    /// The value, in that unit.
    pub(super) value: f64,
}

impl Figure {
    /// A number of `unit`, called `name`.
    pub(super) fn new(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self { name: name.into(), unit: unit.to_owned(), value }
    }

    /// The value and its unit, as a cell of a table.
    pub(super) fn cell(&self) -> String {
        format!("{} {}", number(self.value), self.unit)
    }
}

/// The part of the report that one measurement writes, and its numbers.
#[derive(Debug)]
pub(super) struct Section {
    /// Markdown.
    pub(super) text: String,
    /// For the file of the run.
    pub(super) figures: Vec<Figure>,
}

/// A number with about three significant digits.
pub(super) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// A count as a factor or divisor.
#[expect(clippy::cast_precision_loss, reason = "counts of a run of minutes are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_about_three_significant_digits() {
        let table =
            [(2_685.4, "2685"), (47.23, "47.2"), (1.006, "1.01"), (0.0876, "0.088"), (0.0, "0")];
        for (value, text) in table {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_cell_shows_the_unit() {
        assert_eq!(Figure::new("a", "ms", 12.5).cell(), "12.5 ms");
    }
}
