//! OpenAPI schemas of the request bodies, which [`input`](crate::input) parses.

#![expect(dead_code, reason = "only the schemas of these types are used")]
use utoipa::{
    ToSchema,
    openapi::{AllOfBuilder, ArrayBuilder, ObjectBuilder, Ref, Schema, Type},
};

/// Directory entry of a person. Absent and blank fields are unknown.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Participant {
    /// Role on the platform.
    role: ParticipantRole,
    /// Given name.
    #[schema(max_length = 200, example = "Camille")]
    first_name: Option<String>,
    /// Family name.
    #[schema(max_length = 200)]
    last_name: Option<String>,
    /// Salon display name.
    #[schema(max_length = 200)]
    salon_name: Option<String>,
    /// URL of the picture, `https` only.
    #[schema(max_length = 2048, pattern = "^https://")]
    image: Option<String>,
    /// E-mail address; never shown to others.
    #[schema(max_length = 254)]
    email: Option<String>,
    /// Preferred language (BCP 47). English is supported; everything else means French.
    #[schema(max_length = 35, example = "fr-FR")]
    locale: Option<String>,
    /// IANA time zone; for a salon, that of its bookings.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
}

/// Role on the platform.
#[derive(ToSchema)]
pub(super) enum ParticipantRole {
    #[schema(rename = "client")]
    Client,
    #[schema(rename = "user_salon")]
    SalonOwner,
    #[schema(rename = "user")]
    LegacySalon,
    #[schema(rename = "user_tatoueur")]
    Artist,
    #[schema(rename = "admin")]
    Admin,
    #[schema(rename = "formateur")]
    Trainer,
}

/// A list of people without duplicates.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Participants {
    #[schema(schema_with = identified_participants)]
    participants: Vec<Participant>,
}

/// 1 to 1,000 people, each with their `id`.
fn identified_participants() -> Schema {
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("User id on the platform."))
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some("^[A-Za-z0-9_-]+$"));
    let identified = ObjectBuilder::new().property("id", id).required("id");
    let person = AllOfBuilder::new().item(identified).item(Ref::from_schema_name("Participant"));
    ArrayBuilder::new().items(person).min_items(Some(1)).max_items(Some(1_000)).into()
}

/// An event of a booking.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct AppointmentEvent {
    /// Event id chosen by the sender; reports with the same id are the same event.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    event_id: String,
    /// Kind of event.
    kind: AppointmentEventKind,
    /// Booking id.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    appointment_id: String,
    /// User id of the salon.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    salon_id: String,
    /// User id of the client.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    client_user_id: String,
    /// Booked service.
    service: Service,
    /// Start of the booking; after rescheduling, the new one.
    #[schema(format = DateTime)]
    starts_at: String,
    /// Start before rescheduling.
    #[schema(format = DateTime)]
    previous_starts_at: Option<String>,
    /// Given name of the client in the salon's records; absent = the name in the directory.
    #[schema(max_length = 200)]
    client_first_name: Option<String>,
    /// IANA time zone of the salon; absent = that of the directory entry, else the platform default.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
    /// When it happened, at most 10 minutes ahead of the clock of this service. Events of one booking are
    /// posted in this order.
    #[schema(format = DateTime)]
    occurred_at: String,
    /// Id for the conversation if this event creates it; absent = generated.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    conversation_id: Option<String>,
}

/// Kinds of booking events.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) enum AppointmentEventKind {
    Booked,
    Requested,
    AutoConfirmed,
    Confirmed,
    Rescheduled,
    Cancelled,
    Completed,
    NoShow,
}

/// Services that can be booked.
#[derive(ToSchema)]
pub(super) enum Service {
    #[schema(rename = "PROJET")]
    Project,
    #[schema(rename = "TATTOO")]
    Tattoo,
    #[schema(rename = "PIERCING")]
    Piercing,
    #[schema(rename = "RETOUCHE")]
    Retouch,
}

/// Retention policy of conversations.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct RetentionPolicy {
    /// Days without a message after which a conversation is archived.
    #[schema(minimum = 1, maximum = 36_500)]
    archive_after_days: u32,
    /// Further days after which the messages of an archived conversation are deleted; absent = never.
    #[schema(minimum = 30, maximum = 36_500)]
    delete_after_days: Option<u32>,
}

/// Retention settings of one salon.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SalonRetention {
    /// Days without a message after which its conversations are archived; absent = the default policy
    /// applies.
    #[schema(minimum = 1, maximum = 36_500)]
    archive_after_days: Option<u32>,
    /// Further days after which their messages are deleted, only with `archiveAfterDays`; absent = never.
    #[schema(minimum = 30, maximum = 36_500)]
    delete_after_days: Option<u32>,
    /// Legal hold: none of its conversations is archived or deleted for its age; absent = no.
    legal_hold: Option<bool>,
}

/// Which tokens of a person are revoked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Revocation {
    /// Tokens issued before this are revoked, at most 10 minutes in the future; absent = now.
    #[schema(format = DateTime)]
    issued_before: Option<String>,
}
