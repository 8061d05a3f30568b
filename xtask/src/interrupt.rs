//! Ctrl-C and other signals to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};
use xtask::poll;

use crate::failure::Failure;

const PAUSE: Duration = Duration::from_millis(50);

/// Whether a stop was requested. The second request ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // This order: the first signal only raises the flag, and the second finds it raised.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&raised))
                .and_then(|_| flag::register(signal, Arc::clone(&raised)))
                .map_err(Failure::while_doing("listen for signals"))?;
        }
        Ok(Self(raised))
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails if a stop was requested.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_raised() { Err(Failure::Interrupted) } else { Ok(()) }
    }

    /// Calls `question` until it has an answer or a stop is requested.
    pub(crate) fn until<T>(
        &self,
        mut question: impl FnMut() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        loop {
            if let Some(answer) = question()? {
                return Ok(answer);
            }
            self.check()?;
            poll::rest(PAUSE);
        }
    }

    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    #[cfg(test)]
    pub(crate) fn already() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_ends_a_wait_that_would_last() {
        let waited = Interrupt::already().until(|| Ok(None::<()>));
        assert!(matches!(waited, Err(Failure::Interrupted)));
    }

    #[test]
    fn an_answer_ends_a_wait_before_an_interrupt_does() {
        let waited = Interrupt::already().until(|| Ok(Some(7)));
        assert!(matches!(waited, Ok(7)));
    }
}
