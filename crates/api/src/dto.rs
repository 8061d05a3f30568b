//! The JSON types of REST responses and socket events, and their conversions from domain values.

mod conversation;
mod export;
mod fault;
mod message;
mod page;
mod participant;
mod platform;
mod preferences;
pub use conversation::{Conversation, LastMessage, UnreadItem, UnreadMessage, UnreadTotal};
pub use export::Export;
pub use fault::{Fault, FaultMessage, Problem};
pub use message::{Attachment, Message, Notice};
pub use page::{ConversationPage, LogEntry, LogPage, MessagePage};
pub use participant::Participant;
pub use platform::{
    ConversationOfBooking, ConversationsOfBookings, Erasure, ReportState, Reported,
    RetentionPolicy, SalonRetention,
};
pub use preferences::{Preferences, QuietHours};
