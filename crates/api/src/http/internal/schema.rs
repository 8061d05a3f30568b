//! Bodies as the specification shows them; they are read by [`input`](crate::input).

#![expect(dead_code, reason = "only the schemas of these types are used")]
use utoipa::{
    ToSchema,
    openapi::{AllOfBuilder, ArrayBuilder, ObjectBuilder, Ref, Schema, Type},
};

/// All that the directory is to know of a person. What is left out, or blank, is not known.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Participant {
    /// What they are on the platform.
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
    /// Where their picture is: `https`.
    #[schema(max_length = 2048, pattern = "^https://")]
    image: Option<String>,
    /// Where mail reaches them. Never shown to anyone else.
    #[schema(max_length = 254)]
    email: Option<String>,
    /// In which language they are written to (BCP 47): French unless it is English.
    #[schema(max_length = 35, example = "fr-FR")]
    locale: Option<String>,
    /// Where their clock stands (IANA); of a salon, where its bookings take place.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
}

/// What a person is on the platform.
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

/// People, each once.
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
        .description(Some("The platform's id of the person."))
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some("^[A-Za-z0-9_-]+$"));
    let identified = ObjectBuilder::new().property("id", id).required("id");
    let person = AllOfBuilder::new().item(identified).item(Ref::from_schema_name("Participant"));
    ArrayBuilder::new().items(person).min_items(Some(1)).max_items(Some(1_000)).into()
}

/// What happened to a booking.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct AppointmentEvent {
    /// The reporter's own name for this event. Reported again, it is the same event.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    event_id: String,
    /// What happened.
    kind: AppointmentEventKind,
    /// Which booking.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    appointment_id: String,
    /// Whose booking.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    salon_id: String,
    /// Who is to come.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    client_user_id: String,
    /// What is booked.
    service: Service,
    /// When it is to begin; after a move, the new time.
    #[schema(format = DateTime)]
    starts_at: String,
    /// When it was to begin before a move.
    #[schema(format = DateTime)]
    previous_starts_at: Option<String>,
    /// What the salon's card calls the client. Left out: the directory's name.
    #[schema(max_length = 200)]
    client_first_name: Option<String>,
    /// The salon's time zone (IANA). Left out: the directory's, else the platform's.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
    /// When it happened, at most 10 minutes ahead of this service's clock. Events of one booking are told in
    /// this order.
    #[schema(format = DateTime)]
    occurred_at: String,
    /// The id that the conversation gets if this event opens it. Left out: one of this service.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    conversation_id: Option<String>,
}

/// What can happen to a booking.
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

/// What can be booked.
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

/// How long conversations are kept.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct RetentionPolicy {
    /// After how many days without a message a conversation is archived.
    #[schema(minimum = 1, maximum = 36_500)]
    archive_after_days: u32,
    /// After how many days more its messages are deleted. Left out: never.
    #[schema(minimum = 30, maximum = 36_500)]
    delete_after_days: Option<u32>,
}

/// What a salon is to have of its own.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SalonRetention {
    /// After how many days without a message its conversations are archived. Left out: everybody's
    /// policy holds for it.
    #[schema(minimum = 1, maximum = 36_500)]
    archive_after_days: Option<u32>,
    /// After how many days more their messages are deleted; only beside `archiveAfterDays`. Left out:
    /// never.
    #[schema(minimum = 30, maximum = 36_500)]
    delete_after_days: Option<u32>,
    /// Whether all its conversations stay as they are, whatever their age. Left out: no.
    legal_hold: Option<bool>,
}
