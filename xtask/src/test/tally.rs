//! Counting what the test programs say.

/// How many tests passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Those that did.
    pub(super) passed: usize,
}

impl Tally {
    /// Takes notice of one line of a test program.
    pub(super) fn read(&mut self, line: &str) {
        self.passed += passed(line).unwrap_or(0);
    }

    /// Takes notice of one line of mocha.
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
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 12 tests",
            "test a_result: ok. 5 passed; is not a result ... ok",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 7 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 15 });
    }

    #[test]
    fn mocha_says_it_in_its_own_words() {
        let mut tally = Tally::default();
        for line in
            ["  24 passing (3s)", "  1 failing", "    ✔ passing (9) is a name", "  x passing (1s)"]
        {
            tally.read_mocha(line);
        }
        assert_eq!(tally, Tally { passed: 24 });
    }
}
