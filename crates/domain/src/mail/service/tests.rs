//! The tests of `service`.

mod mailing;
mod preferences;
mod reply_by_mail;
