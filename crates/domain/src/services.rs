//! All services over one store, as the server runs them.

use std::sync::Arc;

use crate::{
    appointments::handle::Appointments,
    mail::service::{MailPreferences, MailReplies},
    messaging::Messaging,
    participant::directory::Directory,
    ports::{Clock, Fanout, Ids},
    privacy::service::Privacy,
    retention::{RetentionSettings, sweep::Retention},
    store::Store,
    time::Zone,
};

/// All services over one store. Each takes only the ports it uses, so a program that needs one of
/// them can build that one alone. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Conversations: open, send, read, list, resume.
    pub messaging: Messaging,
    /// Booking events.
    pub appointments: Appointments,
    /// The directory of people.
    pub directory: Directory,
    /// Mail preferences.
    pub preferences: MailPreferences,
    /// Replies by mail.
    pub replies: MailReplies,
    /// Erasure and export.
    pub privacy: Privacy,
    /// Retention.
    pub retention: Retention,
}

impl Services {
    /// Creates the services with the default zone and retention settings.
    pub fn new(
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let messaging = Messaging::new(store.clone(), fanout.clone(), clock.clone(), ids.clone());
        Self {
            appointments: Appointments::new(
                store.clone(),
                store.clone(),
                store.clone(),
                fanout.clone(),
                clock.clone(),
                ids.clone(),
            ),
            directory: Directory::new(store.clone(), fanout.clone(), clock.clone()),
            preferences: MailPreferences::new(store.clone(), store.clone(), clock.clone()),
            replies: MailReplies::new(store.clone(), messaging.clone()),
            privacy: Privacy::new(
                store.clone(),
                store.clone(),
                store.clone(),
                store.clone(),
                fanout.clone(),
                clock.clone(),
                ids.clone(),
            ),
            retention: Retention::new(store.clone(), store, fanout, clock, ids),
            messaging,
        }
    }

    /// Sets the time zone of bookings for which the platform names none.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Self {
        Self { appointments: self.appointments.with_zone(zone), ..self }
    }

    /// Sets how long a reply address is valid after the newest message of its conversation, in
    /// milliseconds.
    #[must_use]
    pub fn with_reply_age_max_ms(self, age_max_ms: u64) -> Self {
        Self { replies: self.replies.with_age_max_ms(age_max_ms), ..self }
    }

    /// Sets the default retention settings.
    #[must_use]
    pub fn with_retention(self, retention: RetentionSettings) -> Self {
        Self { retention: self.retention.with_settings(retention), ..self }
    }
}

crate::opaque_debug!(Services);
