//! Cursors into a list of conversations, as text: `c`, the time of the newest message in
//! milliseconds, `-`, the id of the conversation. Opaque to callers.

use domain::{ids::ConversationId, page::ConversationCursor, time::Timestamp};

/// Writes a cursor.
pub fn write(cursor: &ConversationCursor) -> String {
    format!("c{}-{}", cursor.last_message_at.as_millis(), cursor.id)
}

/// Reads what [`write()`] wrote; `None` for anything else.
pub fn read(text: &str) -> Option<ConversationCursor> {
    let (millis, id) = text.strip_prefix('c')?.split_once('-')?;
    let millis = Some(millis).filter(|digits| super::query::is_digits(digits))?.parse().ok()?;
    Some(ConversationCursor {
        last_message_at: Timestamp::from_millis(millis)?,
        id: ConversationId::parse(id).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is() {
        let cursor = ConversationCursor {
            last_message_at: Timestamp::from_millis(1_767_605_400_000).expect("in range"),
            id: ConversationId::parse("0198-a_b").expect("a good id"),
        };
        assert_eq!(read(&write(&cursor)), Some(cursor));
        for bad in ["", "c", "c1", "c1-", "c-1-a", "c1-a b", "c1-é", "c99999999999999999-a", "m1"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
