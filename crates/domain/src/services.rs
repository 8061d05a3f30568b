//! Every service over one store, as the server runs them.

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

/// Every service over one store. Each takes only the ports that it uses, so a program that needs one
/// of them can build that one alone. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Conversations: open, write, read, list, resume.
    pub messaging: Messaging,
    /// What bookings do to conversations.
    pub appointments: Appointments,
    /// Who people are.
    pub directory: Directory,
    /// What people wish of mail.
    pub preferences: MailPreferences,
    /// Answers that come by mail.
    pub replies: MailReplies,
    /// Erasure and export.
    pub privacy: Privacy,
    /// How long things are kept.
    pub retention: Retention,
}

impl Services {
    /// Puts the services together, with the usual zone and retention.
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
                fanout.clone(),
                clock.clone(),
                ids.clone(),
            ),
            retention: Retention::new(store, fanout, clock, ids),
            messaging,
        }
    }

    /// The same where bookings take place in `zone` unless the platform names another.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Self {
        Self { appointments: self.appointments.with_zone(zone), ..self }
    }

    /// The same where things are kept as long as `retention` says, unless the store says otherwise.
    #[must_use]
    pub fn with_retention(self, retention: RetentionSettings) -> Self {
        Self { retention: self.retention.with_settings(retention), ..self }
    }
}

crate::opaque_debug!(Services);
