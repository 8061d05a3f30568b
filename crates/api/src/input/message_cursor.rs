//! Cursors into a list of messages, as text: `m` and a position. Opaque to callers.

use domain::{ids::Seq, page::MessageCursor};

/// Writes a cursor.
pub fn write(cursor: &MessageCursor) -> String {
    format!("m{}", cursor.0)
}

/// Reads what [`write()`] wrote; `None` for anything else.
pub fn read(text: &str) -> Option<MessageCursor> {
    let digits = text.strip_prefix('m').filter(|digits| super::query::is_digits(digits))?;
    digits.parse().ok().and_then(Seq::new).map(MessageCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is() {
        let cursor = MessageCursor(Seq::new(41).expect("not negative"));
        assert_eq!(read(&write(&cursor)), Some(cursor));
        for bad in ["", "m", "41", "m-1", "m+1", "m 1", "m1.0", "m99999999999999999999", "c1-a"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
