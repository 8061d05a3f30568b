//! What the rules need of the world. Adapters implement these; `testing` holds fakes and the
//! contract that every store must keep.

mod clock;
mod conversations;
mod fanout;
mod ids;
mod log;
mod messages;
mod participants;
mod reading;
mod store;
mod tokens;

pub use clock::Clock;
pub use conversations::{
    ConversationStore, EditConversation, OpenConversation, OpenOutcome, Opening, StatusEdit,
};
pub use fanout::{Fanout, Turn};
pub use ids::Ids;
pub use log::{LogPiece, LogStore};
pub use messages::{History, MessageStore, PostMessage, PostOutcome, Posted};
pub use participants::{Acquaintances, ParticipantStore};
pub use reading::{MarkRead, MarkedRead, ReadTarget, ReadingStore};
pub use store::{Store, StoreError};
pub use tokens::{TokenError, TokenVerifier};
