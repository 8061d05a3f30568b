//! What can be asked of the service: one file for each request. HTTP and sockets call the same.

use std::sync::Arc;

use crate::{
    ports::{Clock, Fanout, Ids},
    retention::RetentionSettings,
    store::Store,
    time::Zone,
};

/// The service: rules over ports. Cheap to clone.
#[derive(Clone)]
pub struct Messaging {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) fanout: Arc<dyn Fanout>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) zone: Zone,
    pub(crate) retention: RetentionSettings,
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
