//! What callers send, read into what the rules work with. REST and sockets read alike.
//!
//! A body is read from loose JSON and not by a derived deserialiser, because callers are told every
//! reason why it is not acceptable, in the words and the order that front ends know.

mod appointment_event;
mod conversation;
mod draft;
mod fields;
mod participant;
mod preferences;
mod query;
mod retention;
pub use appointment_event::appointment_event;
pub use conversation::{change, new_conversation};
pub use draft::{draft, socket_draft};
pub use fields::{Fields, Lossy, Object};
pub use participant::{PARTICIPANTS_MAX, participant, participants};
pub use preferences::{muted_conversation, preference_change};
pub use query::{
    ConversationQuery, EVENTS_PER_PAGE_MAX, EventQuery, bookings_query, conversation_query,
    encode_conversation_cursor, encode_message_cursor, event_query, link_query, message_query,
};
pub use retention::{retention_policy, salon_retention};
