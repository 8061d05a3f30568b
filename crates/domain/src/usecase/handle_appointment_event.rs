mod change;
#[cfg(test)]
mod order;
#[cfg(test)]
mod race;
#[cfg(test)]
mod tests;

use self::change::Decision;
use super::Messaging;
use crate::{
    appointment::AppointmentEvent,
    id::AppointmentEventId,
    job::JobFailure,
    ports::{
        AppliedAppointmentEvent, ApplyAppointmentEvent, NoticePlace, PendingAppointmentEvent,
        StoreError,
    },
};

/// The most looks at a booking in one go. Each one follows an event that was handled, here or by
/// somebody else.
const LOOKS_MAX: u32 = 1_000;

impl Messaging {
    /// Says in its conversation what happened to a booking, once: the event; before it those of the
    /// same booking that happened earlier and still wait; behind it those that waited for it. Nothing
    /// is left to do when the event was handled before.
    ///
    /// # Errors
    /// [`JobFailure`]: the event still waits, or it cannot be handled and is set aside. An operator
    /// may have it tried again.
    pub async fn handle_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<(), JobFailure> {
        let Some(own) = self.store.pending_appointment_event(id).await? else {
            return Ok(());
        };
        self.handle_older(&own.event).await?;
        self.handle_own(id).await?;
        self.handle_rest(&own.event).await
    }

    /// Sets an event aside whose job was given up, so that it holds up none behind it.
    ///
    /// # Errors
    /// The store's.
    pub async fn give_up_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<(), StoreError> {
        self.store.reject_appointment_event(id, self.clock.now()).await
    }

    /// One that cannot be handled is passed over; one that may be handled later has to be waited for.
    async fn handle_older(&self, own: &AppointmentEvent) -> Result<(), JobFailure> {
        for _ in 0..LOOKS_MAX {
            let first = self.store.first_pending_appointment_event(own).await?;
            let Some(older) = first.filter(|first| first.event.place() < own.place()) else {
                return Ok(());
            };
            match self.try_event(&older).await {
                Ok(_) | Err(JobFailure::Dead { .. }) => {}
                Err(JobFailure::Retry { cause, .. }) => {
                    return Err(JobFailure::Retry { reason: "waits_for_an_older_event", cause });
                }
                Err(postponed @ JobFailure::Postponed { .. }) => return Err(postponed),
            }
        }
        Err(JobFailure::retry("many_events"))
    }

    /// Also when it was set aside before: then somebody wants it tried again.
    async fn handle_own(&self, id: &AppointmentEventId) -> Result<(), JobFailure> {
        for _ in 0..LOOKS_MAX {
            let Some(own) = self.store.pending_appointment_event(id).await? else {
                return Ok(());
            };
            if self.try_event(&own).await? {
                return Ok(());
            }
        }
        Err(JobFailure::retry("many_events"))
    }

    /// Those that waited need not wait for their own jobs, which may come late. What is the matter
    /// with one of them is its own job's to tell.
    async fn handle_rest(&self, own: &AppointmentEvent) -> Result<(), JobFailure> {
        for _ in 0..LOOKS_MAX {
            let Some(next) = self.store.first_pending_appointment_event(own).await? else { break };
            if let Err(JobFailure::Retry { .. }) = self.try_event(&next).await {
                break;
            }
        }
        Ok(())
    }

    /// Handles one event. Returns whether it is handled now; it is not when its booking changed at
    /// the same moment.
    async fn try_event(&self, pending: &PendingAppointmentEvent) -> Result<bool, JobFailure> {
        let decided = self.decide(pending).await;
        if let Err(JobFailure::Dead { .. }) = &decided {
            self.store.reject_appointment_event(&pending.event.id, self.clock.now()).await?;
        }
        let event = pending.event.id.clone();
        let Some(decision) = decided? else {
            let apply = ApplyAppointmentEvent { event, change: None, at: self.clock.now() };
            self.store.apply_appointment_event(&apply).await?;
            return Ok(true);
        };
        self.speak(event, decision).await
    }

    async fn speak(
        &self,
        event: AppointmentEventId,
        Decision { mut change, client, .. }: Decision,
    ) -> Result<bool, JobFailure> {
        let conversation = match &change.place {
            NoticePlace::In(id) => id.clone(),
            NoticePlace::New(open) => open.id.clone(),
        };
        let turn = self.fanout.turn(&conversation).await;
        change.read_on_arrival = self.fanout.is_watching(&conversation, &client);
        let at = self.clock.now();
        let apply = ApplyAppointmentEvent { event, change: Some(change), at };
        match self.store.apply_appointment_event(&apply).await? {
            AppliedAppointmentEvent::Applied(events) => {
                turn.publish(events);
                Ok(true)
            }
            AppliedAppointmentEvent::AlreadyHandled => Ok(true),
            AppliedAppointmentEvent::LeaseLost => Ok(false),
        }
    }
}
