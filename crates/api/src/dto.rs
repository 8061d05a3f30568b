//! What the world sees of our values: the JSON of REST answers and of socket events alike.

mod attachment;
mod conversation;
mod export;
mod fault;
mod log;
mod message;
mod notice;
mod page;
mod participant;
mod platform;
mod preferences;
mod retention;
mod unread;
pub use attachment::Attachment;
pub use conversation::{Conversation, LastMessage};
pub use export::Export;
pub use fault::{Fault, FaultMessage, Problem};
pub use log::{LogEntry, LogPage};
pub use message::Message;
pub use notice::Notice;
pub use page::{ConversationPage, MessagePage};
pub use participant::Participant;
pub use platform::{
    ConversationOfBooking, ConversationsOfBookings, Erasure, ReportState, Reported,
};
pub use preferences::{Preferences, QuietHours};
pub use retention::{RetentionPolicy, SalonRetention};
pub use unread::{UnreadItem, UnreadMessage, UnreadTotal};
