//! The tests of `schedule`.

mod calendar;
mod decide;
