//! Reports about bookings.

use diesel::{deserialize::Result, pg::Pg, row::NamedRow};
use domain::{
    appointments::{
        AppointmentEvent, AppointmentEventKind, Service,
        store::{
            BookingConversation, ConversationOfBooking, NewestHandled, PendingAppointmentEvent,
        },
    },
    conversation::{Parties, Status},
    ids::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    text::Subject,
    time::Zone,
};

use super::{Columns, FromColumns};

impl FromColumns for AppointmentEvent {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            id: row.parsed("id", AppointmentEventId::parse)?,
            appointment: row.parsed("appointment_id", AppointmentId::parse)?,
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("client_id", UserId::parse)?,
            kind: row.parsed("kind", AppointmentEventKind::parse)?,
            service: row.parsed("service", Service::parse)?,
            starts_at: row.at("starts_at")?,
            previous_starts_at: row.maybe_at("previous_starts_at")?,
            client_first_name: row.maybe_text("client_first_name")?,
            zone: row.maybe_parsed("zone", Zone::parse)?,
            occurred_at: row.at("occurred_at")?,
            conversation: row.maybe_parsed("wanted_conversation_id", ConversationId::parse)?,
        })
    }
}

impl FromColumns for PendingAppointmentEvent {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            event: AppointmentEvent::from_columns(row)?,
            conversation: match row.maybe_text("conversation_id")? {
                Some(_) => Some(conversation(row)?),
                None => None,
            },
            free_id: row.maybe_parsed("free_conversation_id", ConversationId::parse)?,
            newest_handled: match row.maybe_text("newest_id")? {
                Some(_) => Some(NewestHandled::from_columns(row)?),
                None => None,
            },
        })
    }
}

impl FromColumns for NewestHandled {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        let kind = row.parsed("newest_kind", AppointmentEventKind::parse)?;
        Ok(Self {
            event: row.parsed("newest_id", AppointmentEventId::parse)?,
            occurred_at: row.at("newest_at")?,
            cancelled: kind == AppointmentEventKind::Cancelled,
        })
    }
}

impl FromColumns for ConversationOfBooking {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            appointment: row.parsed("appointment_id", AppointmentId::parse)?,
            conversation: row.parsed("id", ConversationId::parse)?,
            status: row.parsed("status", Status::parse)?,
            last_message_at: row.at("last_message_at")?,
        })
    }
}

fn conversation<'a>(row: &impl NamedRow<'a, Pg>) -> Result<BookingConversation> {
    Ok(BookingConversation {
        id: row.parsed("conversation_id", ConversationId::parse)?,
        // The booking is the salon's own, so the salon is the same.
        parties: Parties {
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("conversation_client_id", UserId::parse)?,
        },
        subject: row.maybe_parsed("conversation_subject", Subject::stored)?.flatten(),
    })
}
