//! Moving in: what the system before this one kept, and what becomes of it here.
//!
//! A [`Former`](former) thing is what stands in the old tables, unchecked. The functions here make
//! of it what our rules allow: ids and times stay; what can be mended is mended and counted; what
//! cannot is left out and named, never silently. They know neither database.

mod conversation;
mod file;
mod finding;
pub mod former;
mod horizon;
mod mail;
mod message;
mod person;
mod preference;
pub mod store;
mod text;

pub use conversation::{ImportedConversation, conversation};
pub use file::ImportedFile;
pub use finding::{Findings, ImportedKind, Refusal, Refused, Repair};
pub use mail::{ImportedMail, mail};
pub use message::{ImportedMessage, LOST_FILE_TEXT};
pub use person::{nameless, person};
pub use preference::{ImportedPreference, preference};
