//! Rows of the legacy system, and how they are converted to our rules: ids and times stay; what can be repaired is
//! repaired and counted; what cannot is refused and reported by id. Nothing here knows either database.

mod conversation;
mod finding;
mod message;
mod people;
pub(crate) mod rows;
mod text;

pub(crate) use conversation::conversation;
pub use finding::{Findings, ImportedKind, Refused, Repair};
pub use message::LOST_FILE_TEXT;
pub(crate) use people::{mail, nameless, person, preference};
