//! The steps of `cargo xtask test`, and their results.

use std::time::{Duration, Instant};

use crate::{
    failure::Failure,
    paint::{bold, faint},
};

/// The steps done so far.
#[derive(Debug)]
pub(super) struct Report {
    started: Instant,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    /// `None` for a step that runs no tests.
    passed: Option<usize>,
    took: Duration,
}

impl Report {
    pub(super) fn begin() -> Self {
        Self { started: Instant::now(), rows: Vec::new() }
    }

    /// Runs a step, under its headline.
    pub(super) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.timed(name, || work().map(|done| (done, None)))
    }

    /// Runs a step of tests, of which there must be some.
    pub(super) fn tests(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut TestCount) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.timed(name, || {
            let mut count = TestCount::default();
            work(&mut count)?;
            match count.passed {
                0 => Err(Failure::Other("no test ran".into())),
                passed => Ok(((), Some(passed))),
            }
        })
    }

    fn timed<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(T, Option<usize>), Failure>,
    ) -> Result<T, Failure> {
        println!("\n{}", bold(&format!("== {name}")));
        let started = Instant::now();
        let (done, passed) = work().map_err(|failure| named(name, failure))?;
        let took = started.elapsed();
        println!("{}", faint(&format!("   {name}: {}", duration_text(took))));
        self.rows.push(Row { name, passed, took });
        Ok(done)
    }

    /// Prints the table, and the sum on a line of its own.
    pub(super) fn print(&self) {
        println!("\n{}", self.table());
        println!("\n{} passed, 0 failed", self.passed());
    }

    fn table(&self) -> String {
        let mut lines = vec![format!("{:<16}{:>7}  {:>11}", "step", "tests", "time")];
        for row in &self.rows {
            let passed = row.passed.map_or(String::new(), |passed| passed.to_string());
            lines.push(line(row.name, &passed, row.took));
        }
        lines.push(line("total", &self.passed().to_string(), self.started.elapsed()));
        lines.join("\n")
    }

    fn passed(&self) -> usize {
        self.rows.iter().filter_map(|row| row.passed).sum()
    }
}

fn line(name: &str, passed: &str, took: Duration) -> String {
    format!("{name:<16}{passed:>7}  {:>11}", duration_text(took))
}

fn named(step: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Interrupted => Failure::Interrupted,
        other => Failure::Other(format!("\nfailed: {step}: {other}")),
    }
}

fn duration_text(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

// Counting passed tests in the output of test programs.

/// The number of tests that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TestCount {
    pub(super) passed: usize,
}

impl TestCount {
    /// Counts a line of output of a test program.
    pub(super) fn read(&mut self, line: &str) {
        self.passed += passed(line).unwrap_or(0);
    }

    /// Counts a line of output of mocha.
    pub(super) fn read_mocha(&mut self, line: &str) {
        self.passed += passed_in_mocha(line).unwrap_or(0);
    }
}

// `test result: ok. 12 passed; 0 failed; …`. A failure is told by the program's status.
fn passed(line: &str) -> Option<usize> {
    let counts = line.strip_prefix("test result: ok. ")?;
    counts.split_once(" passed;")?.0.parse().ok()
}

// `  24 passing (3s)`. A failure is told by the program's status.
fn passed_in_mocha(line: &str) -> Option<usize> {
    let (count, rest) = line.trim_start().split_once(' ')?;
    rest.starts_with("passing (").then(|| count.parse().ok())?
}

#[cfg(test)]
mod report_tests {
    use super::*;

    #[test]
    fn a_layer_without_tests_fails_by_name() {
        let failed = Report::begin().tests("store", |_| Ok(()));
        let text = failed.expect_err("nothing ran").to_string();
        assert!(text.ends_with("failed: store: no test ran"), "{text}");
    }

    #[test]
    fn the_table_adds_up() {
        let mut report = Report::begin();
        report.step("fmt", || Ok(())).expect("done");
        for (name, line) in [
            ("unit", "test result: ok. 12 passed; 0 failed"),
            ("store", "test result: ok. 5 passed; 0 failed"),
        ] {
            let ran = report.tests(name, |count| {
                count.read(line);
                Ok(())
            });
            ran.expect("some passed");
        }
        let table = report.table();
        let counts: Vec<_> = table.lines().map(|line| line[16..23].trim().to_owned()).collect();
        assert_eq!(counts, ["tests", "", "12", "5", "17"]);
    }

    #[test]
    fn durations_are_short_to_read() {
        assert_eq!(duration_text(Duration::from_millis(1240)), "1.2 s");
        assert_eq!(duration_text(Duration::from_secs(125)), "2 min 05 s");
    }
}

#[cfg(test)]
mod count_tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut count = TestCount::default();
        for line in [
            "running 12 tests",
            "test a_result: ok. 5 passed; is not a result ... ok",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 7 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            count.read(line);
        }
        assert_eq!(count, TestCount { passed: 15 });
    }

    #[test]
    fn results_of_mocha_are_counted() {
        let mut count = TestCount::default();
        for line in
            ["  24 passing (3s)", "  1 failing", "    ✔ passing (9) is a name", "  x passing (1s)"]
        {
            count.read_mocha(line);
        }
        assert_eq!(count, TestCount { passed: 24 });
    }
}
