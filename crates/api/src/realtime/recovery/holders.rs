//! Which sessions there are, by the id their clients know them by: none is taken up twice.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The sessions of this node. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub(in super::super) struct Holders(Arc<Mutex<HashSet<Arc<str>>>>);

/// One session under one id. Dropping it makes the id free.
pub(in super::super) struct Hold {
    holders: Holders,
    socket_id: Arc<str>,
}

impl Holders {
    /// Takes `socket_id`; `None` while another session has it.
    pub(in super::super) fn take(&self, socket_id: &str) -> Option<Hold> {
        let socket_id: Arc<str> = socket_id.into();
        let is_free = self.ids().insert(socket_id.clone());
        is_free.then(|| Hold { holders: self.clone(), socket_id })
    }

    /// No code that holds this lock can panic halfway through a change.
    fn ids(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holders.ids().remove(&self.socket_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_session_s_until_that_has_ended() {
        let holders = Holders::default();
        let held = holders.take("a").expect("it is free");
        assert!(holders.take("a").is_none());
        assert!(holders.take("b").is_some());
        drop(held);
        assert!(holders.take("a").is_some());
    }
}
