//! What the world sees of our values: the JSON of REST answers and of socket events alike.

mod conversation;
mod fault;
mod log;
mod message;
mod page;
mod participant;
mod unread;

pub use conversation::{Conversation, LastMessage};
pub use fault::{Fault, FaultMessage, Problem};
pub use log::{LogEntry, LogPage};
pub use message::{Attachment, Message};
pub use page::{ConversationPage, MessagePage};
pub use participant::Participant;
pub use unread::{UnreadItem, UnreadMessage, UnreadTotal};
