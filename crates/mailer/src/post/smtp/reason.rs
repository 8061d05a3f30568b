/// A server's reason in figures (RFC 3463), at the beginning of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) class: u16,
    pub(crate) subject: u16,
    pub(crate) detail: u16,
}

impl Reason {
    /// `None` when the words do not begin with one.
    pub(super) fn read(words: &str) -> Option<Self> {
        let mut figures = words.split_whitespace().next()?.split('.').map(str::parse);
        let mut figure = || figures.next()?.ok();
        let reason = Self { class: figure()?, subject: figure()?, detail: figure()? };
        figures.next().is_none().then_some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_and_nothing_else() {
        let read = |words| Reason::read(words).map(|it| (it.class, it.subject, it.detail));
        assert_eq!(read("5.1.1 no such user"), Some((5, 1, 1)));
        assert_eq!(read("5.7.26"), Some((5, 7, 26)));
        for none in ["", "no", "5.1 x", "127.0.0.1 is blocked", "5.1.x", "5.1.99999999"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
