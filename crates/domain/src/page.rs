//! Pagination, with bounded page sizes.

use crate::{
    ids::{ConversationId, Seq},
    time::Timestamp,
};

/// The most items of one page.
pub const PAGE_SIZE_MAX: u32 = 100;
/// The last page that can be requested by number. Use cursors beyond it.
pub const PAGE_NUMBER_MAX: u32 = 10_000;

/// The most items on a page: 1 to [`PAGE_SIZE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The nearest allowed size.
    pub fn clamped(items: i64) -> Self {
        Self(u32::try_from(items.clamp(1, i64::from(PAGE_SIZE_MAX))).unwrap_or(1))
    }

    /// The number of items.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// The number of a page: 1 to [`PAGE_NUMBER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageNumber(u32);

impl PageNumber {
    /// The nearest allowed page number.
    pub fn clamped(number: i64) -> Self {
        Self(u32::try_from(number.clamp(1, i64::from(PAGE_NUMBER_MAX))).unwrap_or(1))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start<C> {
    /// By page number. Drifts while new items arrive.
    Number(PageNumber),
    /// Right after the item of the cursor. Never drifts.
    After(C),
}

/// The requested page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<C> {
    /// Where it begins.
    pub start: Start<C>,
    /// How many items.
    pub size: PageSize,
}

impl<C> Window<C> {
    /// The first `items` of a list.
    pub fn first(items: i64) -> Self {
        Self { start: Start::Number(PageNumber::clamped(1)), size: PageSize::clamped(items) }
    }

    /// The number of items to skip; 0 for a cursor.
    pub fn offset(&self) -> i64 {
        match self.start {
            Start::Number(number) => i64::from(number.get() - 1) * i64::from(self.size.get()),
            Start::After(_) => 0,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// The number of items in the whole list.
    pub total: u64,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Makes a page of `items`, which were queried with a limit of `size` plus one: an extra item
    /// shows that there is a next page, and is dropped.
    pub fn from_lookahead(
        mut items: Vec<T>,
        size: PageSize,
        total: u64,
        cursor: impl Fn(&T) -> C,
    ) -> Self {
        let size = size.get() as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, total, next }
    }
}

/// A cursor in a list of messages, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCursor(pub Seq);

/// A cursor in a list of conversations, newest message first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationCursor {
    /// When its newest message was posted.
    pub last_message_at: Timestamp,
    /// The conversation's id; breaks ties.
    pub id: ConversationId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers_are_clamped() {
        for (asked, size) in [(i64::MIN, 1), (0, 1), (1, 1), (50, 50), (101, 100), (i64::MAX, 100)]
        {
            assert_eq!(PageSize::clamped(asked).get(), size);
        }
        for (asked, number) in [(i64::MIN, 1), (0, 1), (2, 2), (i64::MAX, PAGE_NUMBER_MAX)] {
            assert_eq!(PageNumber::clamped(asked).get(), number);
        }
    }

    #[test]
    fn the_extra_item_shows_that_there_is_more() {
        let page = Page::from_lookahead(vec![3, 2, 1], PageSize::clamped(2), 3, |item| *item);
        assert_eq!((page.items, page.next), (vec![3, 2], Some(2)));
        let last = Page::from_lookahead(vec![1], PageSize::clamped(2), 3, |item| *item);
        assert_eq!((last.items, last.next), (vec![1], None));
    }
}
