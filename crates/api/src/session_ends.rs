//! Keeps this node's copy of the list of tokens that count no longer up to date.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    ids::UserId,
    participant::Caller,
    ports::{Clock, StoreError},
    privacy::{
        session_end::{SessionEnd, SessionEndReason},
        store::{ReadSessionEnds, SessionEndMark, SessionEndStore},
    },
    time::Timestamp,
};
use tokio::{
    sync::Mutex,
    time::{MissedTickBehavior, interval},
};

use crate::{error::Failure, realtime::Hub};

/// How many ends are read at a time.
const PAGE_ENDS: u32 = 1_000;

/// How often everything is read again, and what is old is dropped, in milliseconds: after the database was
/// restored to an earlier time, what is new there does not follow what was read before.
const READ_AGAIN_MS: u64 = 3_600_000;

/// Settings of revocation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often the list is read, in milliseconds: with twice that a session outlives its token on other
    /// nodes at most.
    pub read_interval_ms: u64,
    /// How long a token can be valid after it was issued, in milliseconds; `None` when that is not bounded.
    /// Older revocations are dropped.
    pub token_age_max_ms: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { read_interval_ms: 2_000, token_age_max_ms: None }
    }
}

/// Reads the list into this node's copy, and ends the sessions that are in it.
pub(crate) struct SessionEndReader {
    store: Arc<dyn SessionEndStore>,
    hub: Hub,
    clock: Arc<dyn Clock>,
    settings: Settings,
    /// Whether everything was read once.
    is_complete: AtomicBool,
    /// Up to where it was read; `None` before everything was.
    mark: Mutex<Option<SessionEndMark>>,
}

impl SessionEndReader {
    pub(crate) fn new(
        store: Arc<dyn SessionEndStore>,
        hub: Hub,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let (is_complete, mark) = (AtomicBool::new(false), Mutex::new(None));
        Self { store, hub, clock, settings, is_complete, mark }
    }

    /// Refuses the token of a caller if it counts no longer. Asks nobody, except before everything was read
    /// once: until then no token is taken.
    ///
    /// # Errors
    /// As [`EndedTokens::check`](crate::ended_tokens::EndedTokens::check), or the store's failure.
    pub(crate) async fn check(&self, caller: &Caller) -> Result<(), Failure> {
        if !self.is_complete.load(Ordering::Acquire) {
            let mut mark = self.mark.lock().await;
            if mark.is_none() {
                self.read_all(&mut mark).await?;
            }
        }
        Ok(self.hub.ended_tokens().check(caller)?)
    }

    /// Whether a person was erased, as far as this node knows.
    pub(crate) fn is_erased(&self, person: &UserId) -> bool {
        let reason = self.hub.ended_tokens().read().reason(person, None);
        reason == Some(SessionEndReason::Erased)
    }

    /// Reads what is new, again and again, as long as the runtime lives. While the store is away, what is
    /// known stays in force.
    pub(crate) fn follow(self: Arc<Self>) {
        tokio::spawn(async move {
            let period = Duration::from_millis(self.settings.read_interval_ms.max(1));
            let rounds = READ_AGAIN_MS.div_ceil(self.settings.read_interval_ms.max(1));
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut is_failing, mut round) = (false, 0);
            loop {
                ticks.tick().await;
                round = (round + 1) % rounds;
                let read = match round {
                    0 => self.read_again().await,
                    _ => self.read_new().await,
                };
                match &read {
                    Err(cause) if !is_failing => {
                        tracing::warn!(%cause, "ended sessions cannot be read: those known stay so");
                    }
                    Ok(()) if is_failing => tracing::info!("ended sessions are read again"),
                    _ => {}
                }
                is_failing = read.is_err();
            }
        });
    }

    /// Reads what is new since the last time, or everything.
    pub(crate) async fn read_new(&self) -> Result<(), StoreError> {
        let mut place = self.mark.lock().await;
        let Some(mark) = &*place else { return self.read_all(&mut place).await };
        let ReadSessionEnds { mark, ends } = self.store.session_ends_since(mark, PAGE_ENDS).await?;
        if ends.len() >= PAGE_ENDS as usize {
            return self.read_all(&mut place).await;
        }
        *place = Some(mark);
        self.apply(&ends);
        Ok(())
    }

    /// Drops what no valid token can be as old as, and reads everything again.
    async fn read_again(&self) -> Result<(), StoreError> {
        if let Some(oldest) = self.oldest_valid() {
            while self.store.drop_revocations(oldest, PAGE_ENDS).await? == u64::from(PAGE_ENDS) {}
            self.hub.ended_tokens().drop_revocations(oldest);
        }
        self.read_all(&mut *self.mark.lock().await).await
    }

    async fn read_all(&self, place: &mut Option<SessionEndMark>) -> Result<(), StoreError> {
        let (mut first, mut after) = (None, None);
        loop {
            let ReadSessionEnds { mark, ends } =
                self.store.session_ends(after.take(), PAGE_ENDS).await?;
            // What changes while the other pages are read is new since the first one.
            let mark = first.get_or_insert(mark);
            self.apply(&ends);
            match ends.last() {
                Some(last) if ends.len() >= PAGE_ENDS as usize => after = Some(last.person.clone()),
                _ => {
                    *place = Some(mark.clone());
                    self.is_complete.store(true, Ordering::Release);
                    return Ok(());
                }
            }
        }
    }

    fn apply(&self, ends: &[SessionEnd]) {
        for end in ends {
            self.hub.end_sessions(end);
        }
    }

    /// When the oldest token was issued that can be valid.
    fn oldest_valid(&self) -> Option<Timestamp> {
        let age_ms = i64::try_from(self.settings.token_age_max_ms?).ok()?;
        Timestamp::from_millis(self.clock.now().as_millis().checked_sub(age_ms)?)
    }
}

impl fmt::Debug for SessionEndReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEndReader").finish_non_exhaustive()
    }
}
