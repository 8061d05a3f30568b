//! What is said to the platform's programs. Each text begins with the field that it is about.

use domain::{
    appointment::AppointmentEventKind,
    participant::{EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, NAME_MAX_CHARS},
    ports::BOOKINGS_ASKED_MAX,
};

use super::Text;

texts! {
    PARTICIPANT_ID = "id doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -",
        "id must have 1 to 64 characters of A-Z a-z 0-9 _ -";
    ID_TWICE = "id est donné deux fois", "id is given twice";
    PARTICIPANTS_LIST = "participants doit être une liste de 1 à 1000 personnes",
        "participants must be a list of 1 to 1000 people";
    IMAGE_URL = "image doit être une URL https", "image must be an https URL";
    EMAIL_ADDRESS = "email doit être une adresse e-mail", "email must be an e-mail address";
    LOCALE_TAG = "locale doit être une langue telle que fr ou en-GB",
        "locale must be a language such as fr or en-GB";
    DETAIL_INVALID = "contient un détail trop long ou un caractère de contrôle",
        "holds a detail that is too long, or a control character";
    PARTICIPANT_ERASED = "Cette personne a été effacée", "This person was erased";
    ERASED_ID = "id désigne une personne effacée", "id names an erased person";
    ERASURE_NOT_FOUND = "Effacement non trouvé", "Erasure not found";
    RETENTION_NOT_FOUND = "Conservation non trouvée", "Retention not found";
    NO_CONVERSATION_TO_HOLD = "Conversation non trouvée", "Conversation not found";
    LEGAL_HOLD_SWITCH = "legalHold doit être true ou false", "legalHold must be true or false";
    SERVICE_WORDS = "service doit être PROJET, TATTOO, PIERCING ou RETOUCHE",
        "service must be PROJET, TATTOO, PIERCING or RETOUCHE";
    ZONE_NAME = "timeZone doit être un fuseau horaire tel que Europe/Paris",
        "timeZone must be a time zone such as Europe/Paris";
    SAME_PERSON = "clientUserId doit désigner une autre personne que salonId",
        "clientUserId must name another person than salonId";
    CONVERSATION_ID_TAKEN = "conversationId désigne une autre conversation",
        "conversationId names another conversation";
    OCCURRED_IN_FUTURE = "occurredAt est à plus de 10 minutes dans l'avenir",
        "occurredAt is more than 10 minutes in the future";
    EVENT_CONTRADICTED = "Cet eventId désigne déjà un autre événement",
        "This eventId already names another event";
}

/// The role is none that people have.
pub fn role_words() -> Text {
    let words = "client, user_salon, user, user_tatoueur, admin, formateur";
    Text::made(format!("role doit être l'un de {words}"), format!("role must be one of {words}"))
}

/// The field holds no id.
pub fn not_an_id(field: &str) -> Text {
    Text::made(
        format!("{field} doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -"),
        format!("{field} must have 1 to 64 characters of A-Z a-z 0-9 _ -"),
    )
}

/// There is not one bookings' id, or there are too many.
pub fn appointment_ids() -> Text {
    Text::made(
        format!("appointmentId doit être donné de 1 à {BOOKINGS_ASKED_MAX} fois"),
        format!("appointmentId must be given 1 to {BOOKINGS_ASKED_MAX} times"),
    )
}

/// The field holds no point in time that a booking can have.
pub fn not_a_time(field: &str) -> Text {
    Text::made(
        format!("{field} doit être une date ISO 8601 avec fuseau, de 1970 à 9998"),
        format!("{field} must be an ISO 8601 time with its offset, from 1970 to 9998"),
    )
}

/// The field holds no number of days within its bounds.
pub fn days_between(field: &str, min: u32, max: u32) -> Text {
    Text::made(
        format!("{field} doit être un nombre entier de jours, de {min} à {max}"),
        format!("{field} must be a whole number of days, from {min} to {max}"),
    )
}

/// The field holds no text.
pub fn not_a_text(field: &str) -> Text {
    Text::made(format!("{field} doit être un texte"), format!("{field} must be a text"))
}

/// The name is longer than [`NAME_MAX_CHARS`].
pub fn not_a_name(field: &str) -> Text {
    Text::made(
        format!("{field} doit contenir au plus {NAME_MAX_CHARS} caractères"),
        format!("{field} must have at most {NAME_MAX_CHARS} characters"),
    )
}

/// The picture's address is longer than [`IMAGE_MAX_CHARS`], or holds a control character.
pub fn image_too_long() -> Text {
    bounded("image", IMAGE_MAX_CHARS)
}

/// The address is longer than [`EMAIL_MAX_CHARS`], or holds a control character.
pub fn email_too_long() -> Text {
    bounded("email", EMAIL_MAX_CHARS)
}

/// The kind is none of those known.
pub fn kind_words() -> Text {
    let words = AppointmentEventKind::WORDS.join(", ");
    Text::made(format!("kind doit être l'un de {words}"), format!("kind must be one of {words}"))
}

fn bounded(field: &str, max_chars: usize) -> Text {
    Text::made(
        format!("{field} doit contenir au plus {max_chars} caractères, sans caractère de contrôle"),
        format!("{field} must have at most {max_chars} characters, no control character"),
    )
}
