use super::{
    stage::{ANSWERS, Stage},
    talk::Talk,
};
use crate::{
    appointment::AppointmentEvent,
    conversation::{Parties, Status},
    event::Event,
    id::{AppointmentEventId, ConversationId},
    language::Language,
    notice::{FirstName, Notice},
    ports::{
        AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentChange, NewNotice, NoticePlace,
        OpenConversation, PendingAppointmentEvent, ReceiveOutcome,
    },
    testing::fixture::{booking_event, client, salon, user},
    text::Subject,
    time::Timestamp,
};

/// A report like the fixture's, of something that happened at `occurred_at`.
pub(super) fn event_at(id: &str, kind: &str, occurred_at: &str) -> AppointmentEvent {
    let occurred_at = Timestamp::parse(occurred_at).expect("a clause knows the calendar");
    AppointmentEvent { occurred_at, ..booking_event(id, kind) }
}

/// A report like the fixture's, that names nobody.
pub(super) fn nameless(id: &str, kind: &str) -> AppointmentEvent {
    AppointmentEvent { client_first_name: None, ..booking_event(id, kind) }
}

/// A subject.
pub(super) fn subject(words: &str) -> Subject {
    Subject::open(words).expect("it fits")
}

/// The fixture's booking on a [`Stage`], and what is reported of it.
pub(super) struct Booking<'a> {
    stage: &'a Stage<'a>,
}

impl<'a> Booking<'a> {
    /// Nothing is reported yet; both people are in the directory.
    pub(super) async fn new(stage: &'a Stage<'a>) -> Self {
        stage.note(&salon("s1")).await;
        stage.note(&client("c1")).await;
        Self { stage }
    }

    pub(super) async fn receive(&self, event: &AppointmentEvent) -> ReceiveOutcome {
        let received = self.stage.store.receive_appointment_event(event, self.stage.now()).await;
        received.expect(ANSWERS)
    }

    pub(super) async fn pending(&self, id: &str) -> Option<PendingAppointmentEvent> {
        let id = AppointmentEventId::parse(id).expect("a good id");
        self.stage.store.pending_appointment_event(&id).await.expect(ANSWERS)
    }

    pub(super) async fn first(&self) -> Option<PendingAppointmentEvent> {
        let like = booking_event("like", "booked");
        self.stage.store.first_pending_appointment_event(&like).await.expect(ANSWERS)
    }

    /// What an event that waits would change, wherever its booking stands: a greeting of Camille,
    /// unseen, in an active conversation about `RDV`.
    pub(super) async fn change(&self, id: &str) -> AppointmentChange {
        let pending = self.pending(id).await.expect("it waits");
        let first_name = FirstName::parse("Camille");
        let notice = Notice::Confirmed { first_name };
        AppointmentChange {
            place: match pending.conversation {
                Some(known) => NoticePlace::In(known.id),
                None => NoticePlace::New(self.opening()),
            },
            newest_handled: pending.newest_handled,
            notice: NewNotice {
                id: self.stage.mint(),
                content: notice.text(Language::French),
                notice,
            },
            read_on_arrival: false,
            subject: None,
            status: Status::Active,
        }
    }

    pub(super) fn opening(&self) -> OpenConversation {
        OpenConversation {
            id: self.stage.mint(),
            parties: Parties { salon: user("s1"), client: user("c1") },
            appointment: Some(booking_event("like", "booked").appointment),
            subject: Some(subject("RDV")),
            opening: None,
            at: self.stage.now(),
        }
    }

    pub(super) async fn apply(
        &self,
        id: &AppointmentEventId,
        change: Option<AppointmentChange>,
    ) -> AppliedAppointmentEvent {
        let apply = ApplyAppointmentEvent { event: id.clone(), change, at: self.stage.now() };
        self.stage.store.apply_appointment_event(&apply).await.expect(ANSWERS)
    }

    /// Applies a [`change`](Self::change).
    pub(super) async fn say(&self, id: &str) -> AppliedAppointmentEvent {
        let change = self.change(id).await;
        self.apply(&AppointmentEventId::parse(id).expect("a good id"), Some(change)).await
    }

    /// Reports an event and applies `change` for it. Returns what happened.
    pub(super) async fn tell(
        &self,
        event: &AppointmentEvent,
        change: AppointmentChange,
    ) -> Vec<Event> {
        match self.apply(&event.id, Some(change)).await {
            AppliedAppointmentEvent::Applied(events) => events,
            other => panic!("should have been applied: {other:?}"),
        }
    }

    pub(super) async fn apply_nothing(&self, id: &AppointmentEventId) {
        let applied = self.apply(id, None).await;
        assert_eq!(applied, AppliedAppointmentEvent::Applied(vec![]));
    }

    /// The booking's conversation, opened by a first event `e0`.
    pub(super) async fn talk(&self) -> Talk<'a> {
        self.receive(&booking_event("e0", "booked")).await;
        self.say("e0").await;
        self.receive(&booking_event("probe", "completed")).await;
        let id = self.pending("probe").await.and_then(|probe| probe.conversation);
        let probe = AppointmentEventId::parse("probe").expect("a good id");
        self.apply_nothing(&probe).await;
        self.talk_in(&id.expect("it was opened").id)
    }

    pub(super) fn talk_in(&self, id: &ConversationId) -> Talk<'a> {
        Talk { stage: self.stage, id: id.clone(), salon: user("s1"), client: user("c1") }
    }
}
