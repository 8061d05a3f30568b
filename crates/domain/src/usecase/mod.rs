//! What can be asked of the service: one file for each request. HTTP and sockets call the same.

mod change_conversation;
mod delete_message;
mod erase_person;
mod export;
mod handle_appointment_event;
mod list_conversations;
mod mailing;
mod mark_read;
mod open_conversation;
mod preferences;
mod put_participants;
mod read_messages;
mod receive_appointment_event;
mod reply_by_mail;
mod retain;
mod retention;
mod send_message;
mod sync_profile;
mod uploads;
mod worker;

use std::sync::Arc;

pub use change_conversation::{ChangeConversationError, ConversationChange};
pub use delete_message::DeleteMessageError;
pub use list_conversations::FindError;
pub use mailing::{Decided, Mailing};
pub use mark_read::Marked;
pub use open_conversation::{NewConversation, OpenConversationError};
pub use preferences::{MuteError, PreferencesError};
pub use put_participants::{PUT_PARTICIPANTS_MAX, PutParticipantsError};
pub use receive_appointment_event::{ReceiveAppointmentEventError, Received};
pub use reply_by_mail::{MailReply, ReplyByMailError};
pub use retain::RetentionTask;
pub use send_message::{SendMessageError, Sent};
pub use uploads::{OpenFileError, OpenedFile, UploadError, UploadSettings, Uploads};
pub use worker::{Performed, Worker, WorkerSettings};

use crate::{
    ports::{Clock, Fanout, Ids, Store},
    retention::RetentionSettings,
    zone::Zone,
};

/// The service: rules over ports. Cheap to clone.
#[derive(Clone)]
pub struct Messaging {
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    zone: Zone,
    retention: RetentionSettings,
}

impl Messaging {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let (zone, retention) = (Zone::default(), RetentionSettings::default());
        Self { store, fanout, clock, ids, zone, retention }
    }

    /// The same where bookings take place in `zone` unless somebody says otherwise.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// The same where things are kept as long as `retention` says, unless the store says otherwise.
    #[must_use]
    pub fn with_retention(self, retention: RetentionSettings) -> Self {
        Self { retention, ..self }
    }
}

impl std::fmt::Debug for Messaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messaging").finish_non_exhaustive()
    }
}
