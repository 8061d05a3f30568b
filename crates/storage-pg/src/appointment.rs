//! What the platform reports of bookings (D17).

mod apply;
mod pending;
mod receive;
mod say;

use async_trait::async_trait;
use domain::{
    appointments::{
        AppointmentEvent,
        store::{
            AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentStore,
            ConversationOfBooking, PendingAppointmentEvent, ReceiveOutcome,
        },
    },
    ids::{AppointmentEventId, AppointmentId, UserId},
    ports::StoreError,
    time::Timestamp,
};

use crate::store::{PgStore, to_its_end, with_retry};

#[async_trait]
impl AppointmentStore for PgStore {
    #[tracing::instrument(name = "db.appointment.receive", skip_all, fields(event.id = %event.id))]
    async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
        at: Timestamp,
    ) -> Result<ReceiveOutcome, StoreError> {
        let (store, event) = (self.clone(), event.clone());
        to_its_end(move || {
            let (store, event) = (store.clone(), event.clone());
            async move { receive::receive(&store, &event, at).await }
        })
        .await
    }

    #[tracing::instrument(name = "db.appointment.conversations", skip_all, fields(salon.id = %salon))]
    async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError> {
        with_retry(|| pending::of_bookings(self, salon, bookings)).await
    }

    #[tracing::instrument(name = "db.appointment.pending", skip_all, fields(event.id = %id))]
    async fn pending_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        with_retry(|| pending::one(self, id)).await
    }

    #[tracing::instrument(
        name = "db.appointment.first_pending", skip_all, fields(appointment.id = %like.appointment)
    )]
    async fn first_pending_appointment_event(
        &self,
        like: &AppointmentEvent,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        with_retry(|| pending::first(self, like)).await
    }

    #[tracing::instrument(name = "db.appointment.apply", skip_all, fields(event.id = %apply.event))]
    async fn apply_appointment_event(
        &self,
        apply: &ApplyAppointmentEvent,
    ) -> Result<AppliedAppointmentEvent, StoreError> {
        let (store, apply) = (self.clone(), apply.clone());
        to_its_end(move || apply::apply(store.clone(), apply.clone())).await
    }

    #[tracing::instrument(name = "db.appointment.reject", skip_all, fields(event.id = %id))]
    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| pending::reject(self, id, at)).await
    }
}
