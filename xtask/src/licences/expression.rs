//! Licence expressions (SPDX 2.3, annex D), and cargo's older `MIT/Apache-2.0`.

/// Whether the licences that `is_allowed` accepts are enough for `expression`. `None` when it is none.
/// `WITH` binds closest, then `AND`, then `OR`.
pub(super) fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut words = words(expression);
    words.reverse();
    let mut reader = Reader { words, is_allowed };
    let met = reader.any()?;
    reader.words.is_empty().then_some(met)
}

fn words(expression: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in expression.chars() {
        match c {
            '(' | ')' => spaced.extend([' ', c, ' ']),
            '/' => spaced.push_str(" OR "),
            _ => spaced.push(c),
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Reader<'a> {
    // The next one is the last.
    words: Vec<String>,
    is_allowed: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        self.words.pop_if(|next| next == word).is_some()
    }

    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let met = self.any()?;
            return self.take(")").then_some(met);
        }
        let mut licence = self.name()?;
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.name()?);
        }
        Some((self.is_allowed)(&licence))
    }

    fn name(&mut self) -> Option<String> {
        self.words.pop().filter(|word| !["(", ")", "AND", "OR", "WITH"].contains(&word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> Option<bool> {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
        is_met(expression, &|licence| allowed.contains(&licence))
    }

    #[test]
    fn one_of_several_is_enough() {
        for expression in ["MIT", "GPL-3.0-only OR MIT", "MIT/GPL-3.0-only", "MIT / GPL-3.0-only"] {
            assert_eq!(met(expression), Some(true), "{expression}");
        }
    }

    #[test]
    fn all_of_several_are_needed() {
        assert_eq!(met("MIT AND ISC"), Some(true));
        assert_eq!(met("MIT AND GPL-3.0-only"), Some(false));
    }

    #[test]
    fn and_binds_closer_than_or() {
        assert_eq!(met("MIT OR ISC AND GPL-3.0-only"), Some(true));
        assert_eq!(met("(MIT OR ISC) AND GPL-3.0-only"), Some(false));
        assert_eq!(met("(GPL-3.0-only OR ISC) AND MIT"), Some(true));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert_eq!(met("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(met("Apache-2.0"), Some(false));
        assert_eq!(met("MIT WITH LLVM-exception"), Some(false));
    }

    #[test]
    fn what_is_no_expression_is_not_judged() {
        for expression in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH", "()"] {
            assert_eq!(met(expression), None, "{expression}");
        }
    }
}
