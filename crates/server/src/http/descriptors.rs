//! File descriptors: how many this process may have, and how many its bounds need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::admission::ConnectionBounds;

/// What no bound counts: files that are read and written, the log, timers, connections for mail.
const OTHERS: usize = 256;
/// What a worker thread has.
const PER_WORKER: usize = 8;
/// With fewer connections no server is of use.
const CONNECTIONS_MIN: usize = 64;

/// Raises the soft limit to the hard one. Returns how many descriptors the process may have; `None` for any number.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(
                %error,
                limit = limit.current,
                "the soft limit of file descriptors (`ulimit -n`) cannot be raised"
            );
            limit.current
        }
    }
}

/// What the settings need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Worker threads.
    pub(crate) workers: usize,
    /// Connections for each of them.
    pub(crate) connections_per_worker_max: usize,
    /// Connections kept for newcomers; at most half of all are.
    pub(crate) reserved: usize,
    /// Connections to the database.
    pub(crate) database_connections: usize,
}

/// The limit is too low for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may have {limit} file descriptors (the hard limit of `ulimit -n`), of which it needs {others} \
     besides its connections, and at least {needed} in all: raise it, or lower HTTP_WORKERS and \
     DATABASE_POOL_CONNECTIONS_MAX"
)]
pub(crate) struct TooFew {
    limit: u64,
    others: usize,
    needed: usize,
}

impl Needs {
    /// The bounds of connections that fit into `limit` descriptors: those of the settings, or as many as there can be,
    /// with a warning.
    ///
    /// # Errors
    /// [`TooFew`].
    pub(crate) fn fit(
        self,
        limit: Option<u64>,
        per_address_max: Option<usize>,
    ) -> Result<ConnectionBounds, TooFew> {
        let wanted = self.workers.saturating_mul(self.connections_per_worker_max);
        let others = OTHERS + PER_WORKER * self.workers + self.database_connections;
        // As many as are reserved may wait to be closed, beside all others.
        let bounds = |connections_max: usize| ConnectionBounds {
            connections_max,
            reserved: self.reserved.min(connections_max / 2),
            per_address_max,
        };
        let needed = |bounds: ConnectionBounds| bounds.connections_max + bounds.reserved + others;
        let Some(limit) = limit else { return Ok(bounds(wanted)) };
        let available = usize::try_from(limit).unwrap_or(usize::MAX);
        let configured = bounds(wanted);
        if needed(configured) <= available {
            return Ok(configured);
        }
        let left = available.saturating_sub(others);
        let fitting = bounds(left.saturating_sub(self.reserved.min(left / 3)));
        let least = bounds(CONNECTIONS_MIN);
        if wanted >= CONNECTIONS_MIN && fitting.connections_max < CONNECTIONS_MIN
            || fitting.connections_max < self.workers
        {
            return Err(TooFew { limit, others, needed: needed(least) });
        }
        tracing::warn!(
            descriptors = limit,
            needed = needed(configured),
            connections = fitting.connections_max,
            configured = wanted,
            "the settings allow more connections than the hard limit of file descriptors (`ulimit -Hn`): \
             HTTP_CONNECTIONS_PER_WORKER_MAX is lowered to what fits"
        );
        Ok(fitting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        workers: 2,
        connections_per_worker_max: 1_000,
        reserved: 100,
        database_connections: 20,
    };
    /// 256, 8 for each worker, and those to the database.
    const BESIDES: u64 = 256 + 16 + 20;

    fn fit(needs: Needs, limit: Option<u64>) -> Result<(usize, usize), TooFew> {
        let bounds = needs.fit(limit, None)?;
        Ok((bounds.connections_max, bounds.reserved))
    }

    #[test]
    fn what_fits_is_as_configured() {
        assert_eq!(fit(NEEDS, None), Ok((2_000, 100)));
        assert_eq!(fit(NEEDS, Some(2_100 + BESIDES)), Ok((2_000, 100)));
    }

    #[test]
    fn what_does_not_fit_is_lowered_and_the_reserve_stays() {
        assert_eq!(fit(NEEDS, Some(2_099 + BESIDES)), Ok((1_999, 100)));
        assert_eq!(fit(NEEDS, Some(300 + BESIDES)), Ok((200, 100)));
    }

    #[test]
    fn at_most_half_of_the_connections_are_reserved() {
        let needs = Needs { reserved: 1_500, ..NEEDS };
        assert_eq!(fit(needs, None), Ok((2_000, 1_000)));
        assert_eq!(fit(needs, Some(300 + BESIDES)), Ok((200, 100)));
    }

    #[test]
    fn a_limit_that_is_too_low_for_a_server_is_an_error_with_the_numbers() {
        let refused = fit(NEEDS, Some(350)).expect_err("too few");
        assert_eq!(refused, TooFew { limit: 350, others: 292, needed: 292 + 64 + 32 });
    }

    #[test]
    fn the_limit_of_a_process_is_the_hard_one_afterwards() {
        let limit = raise_limit();
        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, now.current), (limit, now.maximum));
    }
}
