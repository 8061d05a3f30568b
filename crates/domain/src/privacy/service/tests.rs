//! The tests of `service`.

mod erase_person;
mod export;
