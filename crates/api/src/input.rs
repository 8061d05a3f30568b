//! Parses request data into domain values, for REST and sockets alike.
//!
//! Bodies are read from untyped JSON and not by derived deserialisers, because the response reports every
//! validation error, in the texts and the order that front ends know.

mod appointment_event;
mod conversation;
mod draft;
mod fields;
mod participant;
mod preferences;
mod query;
mod retention;
mod revocation;
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
pub use revocation::issued_before;
