use crate::page::{Page, Start, Window};

/// Cuts the piece `window` out of `list`, which is in order. `is_behind` tells whether an item
/// comes behind a cursor.
pub(super) fn cut<T, C>(
    list: Vec<T>,
    window: &Window<C>,
    is_behind: impl Fn(&T, &C) -> bool,
    cursor: impl Fn(&T) -> C,
) -> Page<T, C> {
    let total = list.len() as u64;
    let skipped = usize::try_from(window.offset()).unwrap_or(usize::MAX);
    let one_more = window.size.get() as usize + 1;
    let behind = |item: &T| match &window.start {
        Start::Number(_) => true,
        Start::After(cursor) => is_behind(item, cursor),
    };
    let items = list.into_iter().filter(behind).skip(skipped).take(one_more).collect();
    Page::of_one_more(items, window.size, total, cursor)
}

/// The same page with other items.
pub(super) fn map<T, U, C>(page: Page<T, C>, turn: impl FnMut(T) -> U) -> Page<U, C> {
    let Page { items, total, next } = page;
    Page { items: items.into_iter().map(turn).collect(), total, next }
}
