//! The table that compares a run with an earlier one.

use super::{
    figures::{Figure, number},
    saved_run::SavedRun,
};

/// Shown for a figure that the earlier run does not have, and for a ratio to zero.
const NONE: &str = "–";

/// The figures of this run beside those of the earlier one, after the conditions in which they differ.
pub(super) fn table(before: &SavedRun, after: &SavedRun) -> String {
    let mut lines = vec![format!("### Compared with the run of {}\n", before.started_at)];
    let differing = differing_conditions(before, after);
    if !differing.is_empty() {
        lines.push("The conditions differ, and so ratios show more than the change:\n".to_owned());
        lines.extend(differing);
        lines.push(String::new());
    }
    lines.push("| figure | before | after | ratio |\n| --- | ---: | ---: | ---: |".to_owned());
    lines.extend(after.figures.iter().map(|figure| row(find(before, figure), figure)));
    let missing = before.figures.iter().filter(|figure| find(after, figure).is_none()).count();
    if missing > 0 {
        lines.push(format!("\nOnly the earlier run has {missing} further figures."));
    }
    lines.join("\n") + "\n"
}

fn differing_conditions(before: &SavedRun, after: &SavedRun) -> Vec<String> {
    let only = |one: &SavedRun, other: &SavedRun, when: &str| -> Vec<String> {
        let lines = one.conditions.iter().filter(|line| !other.conditions.contains(line));
        lines.map(|line| format!("- {when}: {line}")).collect()
    };
    [only(before, after, "before"), only(after, before, "after")].concat()
}

/// The figure of the same name and unit.
fn find<'run>(run: &'run SavedRun, figure: &Figure) -> Option<&'run Figure> {
    run.figures.iter().find(|other| other.name == figure.name && other.unit == figure.unit)
}

fn row(before: Option<&Figure>, after: &Figure) -> String {
    let ratio = before.map(|before| after.value / before.value).filter(|ratio| ratio.is_finite());
    format!(
        "| {} | {} | {} | {} |",
        after.name,
        before.map_or(NONE.to_owned(), Figure::cell),
        after.cell(),
        ratio.map_or(NONE.to_owned(), number)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(conditions: &[&str], figures: &[(&str, &str, f64)]) -> SavedRun {
        let figure = |(name, unit, value): &(&str, &str, f64)| Figure::new(*name, unit, *value);
        SavedRun::new(
            "2026-11-30T18:00:00Z".to_owned(),
            conditions.iter().map(|&line| line.to_owned()).collect(),
            figures.iter().map(figure).collect(),
        )
    }

    fn rows(table: &str) -> Vec<&str> {
        table.lines().skip_while(|line| !line.starts_with("| ---")).skip(1).collect()
    }

    #[test]
    fn figures_are_matched_by_name_and_unit_in_the_order_of_this_run() {
        let before = run(&[], &[("p99", "ms", 20.0), ("rate", "sends/s", 2_000.0)]);
        let after = run(&[], &[("rate", "sends/s", 5_000.0), ("p99", "ms", 10.0)]);
        let table = table(&before, &after);
        assert_eq!(
            rows(&table),
            [
                "| rate | 2000 sends/s | 5000 sends/s | 2.50 |",
                "| p99 | 20.0 ms | 10.0 ms | 0.500 |"
            ]
        );
    }

    #[test]
    fn a_figure_that_the_earlier_run_lacks_has_no_ratio() {
        let before = run(&[], &[("share", "%", 0.0), ("size", "kB", 1.0)]);
        let after = run(&[], &[("share", "%", 97.0), ("new", "ms", 10.0), ("size", "MB", 1.0)]);
        let table = table(&before, &after);
        assert_eq!(
            rows(&table)[..3],
            [
                "| share | 0 % | 97.0 % | – |",
                "| new | – | 10.0 ms | – |",
                "| size | – | 1.00 MB | – |",
            ]
        );
    }

    #[test]
    fn figures_of_the_earlier_run_alone_are_counted() {
        let before = run(&[], &[("gone", "ms", 20.0), ("size", "kB", 1.0), ("rate", "1/s", 1.0)]);
        let table = table(&before, &run(&[], &[("rate", "1/s", 1.0), ("size", "MB", 1.0)]));
        assert!(table.ends_with("\nOnly the earlier run has 2 further figures.\n"), "{table}");
        assert_eq!(rows(&table)[0], "| rate | 1.00 1/s | 1.00 1/s | 1.00 |");
    }

    #[test]
    fn conditions_that_differ_are_named() {
        let before = run(&["2 cores", "fsync: on"], &[]);
        let after = run(&["4 cores", "fsync: on"], &[]);
        let differing = table(&before, &after);
        assert!(differing.contains("- before: 2 cores\n- after: 4 cores\n"), "{differing}");
        assert!(!table(&before, &before).contains("differ"));
    }
}
