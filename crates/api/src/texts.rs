//! All user-facing texts, in French and English.
//!
//! The front end shows the French texts, so they are part of the API and must not change. Some texts have
//! always been English in both languages.

use std::borrow::Cow;

use domain::{
    appointments::{AppointmentEventKind, store::BOOKINGS_ASKED_MAX},
    conversation::attachment::FILE_NAME_MAX_CHARS,
    participant::{EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, NAME_MAX_CHARS},
    text::{CONTENT_MAX_CHARS, SUBJECT_MAX_CHARS},
};

macro_rules! texts {
    ($($name:ident = $french:literal, $english:literal;)+) => {
        $(#[doc = $english] pub const $name: Text = Text::new($french, $english);)+
    };
}

// Permissions and lookups.
texts! {
    UNAUTHORIZED = "Unauthorized", "Unauthorized";
    NOT_AUTHENTICATED = "Non authentifié", "Not authenticated";
    FOR_PEOPLE = "Réservé aux personnes", "For people only";
    FOR_PROGRAMS = "Réservé aux programmes de la plateforme", "For programs of the platform only";
    ORIGIN_NOT_ALLOWED = "Origine non autorisée", "Origin not allowed";
    CONVERSATION_NOT_FOUND = "Conversation non trouvée", "Conversation not found";
    MESSAGE_NOT_FOUND = "Message non trouvé", "Message not found";
    CLIENT_NOT_FOUND = "Client non trouvé", "Client not found";
    SALON_NOT_FOUND = "Salon non trouvé", "Salon not found";
    APPOINTMENT_NOT_FOUND = "Rendez-vous non trouvé", "Appointment not found";
    NOT_A_CLIENT = "Cet utilisateur n'est pas un client", "This user is not a client";
    SALON_OPENS = "Seul le salon peut ouvrir une conversation",
        "Only the salon can open a conversation";
    SALON_CHANGES_STATUS = "Seul le salon peut modifier le statut de la conversation",
        "Only the salon can change the status of the conversation";
    SALON_ARCHIVES = "Seul le salon peut archiver une conversation",
        "Only the salon can archive a conversation";
    SALON_DELETES = "Seul le salon peut supprimer une conversation",
        "Only the salon can delete a conversation";
    AUTHOR_DELETES = "Vous ne pouvez supprimer que vos propres messages",
        "You can only delete your own messages";
}

// Whole requests.
texts! {
    MALFORMED_BODY = "Le corps de la requête n'est pas un objet JSON valide",
        "The body of the request is not a valid JSON object";
    MALFORMED_REQUEST = "La requête est invalide", "The request is invalid";
    REQUEST_TIMEOUT = "La requête n'est pas arrivée à temps", "The request did not arrive in time";
    TOO_LARGE = "request entity too large", "request entity too large";
    NOT_JSON = "Le corps de la requête doit être du JSON", "The body of the request must be JSON";
    INVALID_CURSOR = "Le curseur est invalide", "The cursor is invalid";
    KEY_NAMES_ANOTHER = "Cette clé désigne déjà un autre message",
        "This key already names another message";
    MESSAGE_DELETED = "Ce message a été supprimé", "This message has been deleted";
    EVENT_TOO_LARGE = "Événement trop volumineux", "Event too large";
    BUSY = "Trop de travail en attente, réessayez dans un instant", "Too much work waits, try again in a moment";
    RATE_LIMITED = "Trop de requêtes, réessayez plus tard", "Too many requests, try again later";
    TOO_MANY_SESSIONS = "Trop de connexions ouvertes", "Too many open connections";
    TOO_MANY_ROOMS = "Trop de conversations ouvertes", "Too many open conversations";
    INTERNAL = "Internal server error", "Internal server error";
    UNAVAILABLE = "Le service est momentanément indisponible",
        "The service is unavailable for a moment";
}

// Fields and parameters.
texts! {
    CLIENT_REQUIRED = "Le client est obligatoire", "The client is required";
    CLIENT_STRING = "clientUserId must be a string", "clientUserId must be a string";
    APPOINTMENT_STRING = "appointmentId must be a string", "appointmentId must be a string";
    SUBJECT_TOO_SHORT = "Le sujet doit contenir au moins 3 caractères",
        "The subject must have at least 3 characters";
    SUBJECT_STRING = "subject must be a string", "subject must be a string";
    STATUS_WORDS = "status must be one of the following values: ACTIVE, ARCHIVED",
        "status must be one of the following values: ACTIVE, ARCHIVED";
    FIRST_MESSAGE_EMPTY = "Le message ne peut pas être vide", "The message cannot be empty";
    FIRST_MESSAGE_STRING = "firstMessage must be a string", "firstMessage must be a string";
    CONVERSATION_REQUIRED = "La conversation est obligatoire", "The conversation is required";
    CONVERSATION_STRING = "conversationId must be a string", "conversationId must be a string";
    AFTER_POSITION = "La position doit être un nombre entier, 0 ou plus",
        "The position must be a whole number, 0 or more";
    SYNC_LIST = "conversations doit nommer de 1 à 64 conversations",
        "conversations must name 1 to 64 conversations";
    TOKEN_REQUIRED = "Le jeton est obligatoire", "The token is required";
    CONTENT_TOO_SHORT = "Le message doit contenir au moins 1 caractère",
        "The message must have at least 1 character";
    CONTENT_EMPTY = "Le contenu du message ne peut pas être vide",
        "The content of the message cannot be empty";
    CONTENT_STRING = "content must be a string", "content must be a string";
    TYPE_WORDS = "type must be one of the following values: TEXT, SYSTEM, IMAGE, FILE",
        "type must be one of the following values: TEXT, SYSTEM, IMAGE, FILE";
    MESSAGE_REQUIRED = "Le message est obligatoire", "The message is required";
    MESSAGE_STRING = "messageId must be a string", "messageId must be a string";
    VISIBLE_BOOLEAN = "visible must be a boolean value", "visible must be a boolean value";
    KEY_INVALID = "clientMessageId doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -",
        "clientMessageId must have 1 to 64 characters of A-Z a-z 0-9 _ -";
    KEYS_DIFFER = "clientMessageId et Idempotency-Key sont différents",
        "clientMessageId and Idempotency-Key differ";
    ATTACHMENTS_TOO_MANY = "Maximum 5 fichiers par message", "At most 5 files per message";
    ATTACHMENTS_ARRAY = "attachments must be an array", "attachments must be an array";
    ATTACHMENTS_OBJECTS =
        "each value in nested property attachments must be either object or array",
        "each value in nested property attachments must be either object or array";
    FILE_NAME_REQUIRED = "Le nom du fichier est obligatoire", "The name of the file is required";
    FILE_NAME_STRING = "fileName must be a string", "fileName must be a string";
    FILE_URL_INVALID = "L'URL du fichier est invalide", "The URL of the file is invalid";
    FILE_URL_REQUIRED = "L'URL du fichier est obligatoire", "The URL of the file is required";
    FILE_URL_STRING = "fileUrl must be a string", "fileUrl must be a string";
    FILE_TYPE_IMAGES = "Seules les images sont autorisées (jpg, png, gif, webp)",
        "Only images are allowed (jpg, png, gif, webp)";
    FILE_TYPE_REQUIRED = "Le type de fichier est obligatoire", "The type of the file is required";
    FILE_TYPE_STRING = "fileType must be a string", "fileType must be a string";
    FILE_TOO_LARGE = "Fichier trop volumineux (max 10MB)", "File too large (max 10MB)";
    FILE_SIZE_NUMBER = "fileSize must be a number conforming to the specified constraints",
        "fileSize must be a number conforming to the specified constraints";
    UPLOAD_KEY_STRING = "uploadThingKey must be a string", "uploadThingKey must be a string";
    UPLOAD_KEY_INVALID = "La clé du fichier est invalide", "The key of the file is invalid";
}

// Fallback texts of sockets.
texts! {
    JOIN_FAILED = "Erreur lors de la connexion à la conversation",
        "Error while joining the conversation";
    LEAVE_FAILED = "Erreur lors de la sortie de la conversation",
        "Error while leaving the conversation";
    ACCESS_REFUSED = "Accès refusé à cette conversation", "Access to this conversation refused";
    SEND_FAILED = "Erreur lors de l'envoi du message", "Error while sending the message";
    MARK_MESSAGE_FAILED = "Erreur lors du marquage du message", "Error while marking the message";
    MARK_CONVERSATION_FAILED = "Erreur lors du marquage de la conversation",
        "Error while marking the conversation";
    SYNC_FAILED = "Erreur lors de la synchronisation", "Error while catching up";
    REFRESH_FAILED = "Erreur lors du renouvellement du jeton",
        "Error while renewing the token";
    TYPING_FAILED = "Erreur lors de l'indication de saisie", "Error while saying who is typing";
}

/// The text of a message is longer than [`CONTENT_MAX_CHARS`].
pub fn content_too_long() -> Text {
    Text::formatted(
        format!("Le message ne doit pas dépasser {CONTENT_MAX_CHARS} caractères"),
        format!("The message must not exceed {CONTENT_MAX_CHARS} characters"),
    )
}

/// The subject is longer than [`SUBJECT_MAX_CHARS`].
pub fn subject_too_long() -> Text {
    Text::formatted(
        format!("Le sujet ne doit pas dépasser {SUBJECT_MAX_CHARS} caractères"),
        format!("The subject must not exceed {SUBJECT_MAX_CHARS} characters"),
    )
}

/// The name of a file is longer than [`FILE_NAME_MAX_CHARS`] or invalid.
pub fn file_name_invalid() -> Text {
    Text::formatted(
        format!(
            "Le nom du fichier doit contenir au plus {FILE_NAME_MAX_CHARS} caractères, sans / ni \\"
        ),
        format!(
            "The name of the file must have at most {FILE_NAME_MAX_CHARS} characters, no / or \\"
        ),
    )
}

/// No route has this method and path.
pub fn cannot(method: &str, path: &str) -> Text {
    let text = format!("Cannot {method} {path}");
    Text::formatted(text.clone(), text)
}

/// A field contains a lone UTF-16 surrogate.
pub fn lone_surrogate(field: &str) -> Text {
    let (french, english) = named(field);
    Text::formatted(
        format!("{french} contient la moitié d'un caractère (demi-codet UTF-16 isolé)"),
        format!("{english} holds half a character (a lone UTF-16 surrogate)"),
    )
}

/// A field contains a value that cannot be parsed.
pub fn not_readable(field: &str) -> Text {
    let (french, english) = named(field);
    Text::formatted(format!("{french} est illisible"), format!("{english} cannot be read"))
}

/// The name of the field if it is plausible: clients can send any name.
fn named(field: &str) -> (&str, &str) {
    let is_plain = field.len() <= 64 && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain && !field.is_empty() { (field, field) } else { ("un champ", "a field") }
}

/// A parameter is given more than once.
pub fn given_twice(parameter: &str) -> Text {
    Text::formatted(
        format!("{parameter} ne peut être donné qu'une fois"),
        format!("{parameter} can be given only once"),
    )
}

// Files.

texts! {
    ATTACHMENT_NOT_FOUND = "Fichier non trouvé", "File not found";
    ATTACHMENT_UNKNOWN = "Fichier joint inconnu ou déjà utilisé",
        "Unknown attachment, or one in use already";
    ATTACHMENT_ID = "attachmentId doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -",
        "attachmentId must have 1 to 64 characters of A-Z a-z 0-9 _ -";
    ATTACHMENT_TWICE = "attachmentId est donné deux fois", "attachmentId is given twice";
    LINK_EXPIRED = "Ce lien a expiré", "This link has expired";
    NOT_A_FORM = "Le corps de la requête doit être un formulaire multipart/form-data",
        "The body of the request must be a multipart/form-data form";
    MALFORMED_FORM = "Le formulaire est invalide", "The form is invalid";
    ONE_FILE = "Le formulaire doit contenir un seul champ, le fichier « file »",
        "The form must have one field only, the file \"file\"";
    FILE_UNREADABLE = "L'image est illisible", "The picture cannot be read";
    TOO_MANY_PIXELS = "L'image a trop de pixels", "The picture has too many pixels";
    TOO_MANY_UPLOADS = "Trop de fichiers en attente d'envoi", "Too many files wait to be sent";
}

// Notification preferences.

texts! {
    PARTICIPANT_NOT_FOUND = "Utilisateur non trouvé", "User not found";
    ENABLED_BOOLEAN = "emailNotificationsEnabled must be a boolean value",
        "emailNotificationsEnabled must be a boolean value";
    FREQUENCY_STRING = "emailFrequency must be a string", "emailFrequency must be a string";
    FREQUENCY_WORDS =
        "emailFrequency must be one of the following values: IMMEDIATE, HOURLY, DAILY, NEVER",
        "emailFrequency must be one of the following values: IMMEDIATE, HOURLY, DAILY, NEVER";
    QUIET_HOURS = "quietHours doit être null, ou deux heures différentes : from et to, telles que 22:00",
        "quietHours must be null, or two different times: from and to, such as 22:00";
    TIME_ZONE = "timeZone doit être null, ou un fuseau horaire tel que Europe/Paris",
        "timeZone must be null, or a time zone such as Europe/Paris";
    TOO_MANY_MUTED = "Trop de conversations sont en sourdine", "Too many conversations are muted";
}

// The unsubscribe page.
texts! {
    UNSUBSCRIBE_TITLE = "Notifications par e-mail", "E-mail notifications";
    UNSUBSCRIBE_QUESTION = "Ne plus recevoir d'e-mail quand un message vous attend ?",
        "Stop receiving e-mails when a message waits for you?";
    UNSUBSCRIBE_BUTTON = "Ne plus recevoir d'e-mails", "Stop these e-mails";
    UNSUBSCRIBED = "C'est fait : vous ne recevrez plus d'e-mails de la messagerie. Vous pouvez les réactiver \
        dans vos paramètres.",
        "Done: you will receive no more e-mails about messages. You can switch them on again in your \
        settings.";
    UNSUBSCRIBE_NOT_FOUND = "Ce lien n'est pas valable. Ouvrez-le depuis l'e-mail, en entier.",
        "This link is not valid. Open it from the e-mail, all of it.";
    UNSUBSCRIBE_LATER = "Cela n'a pas marché cette fois. Réessayez dans un moment.",
        "That did not work this time. Try again in a moment.";
}

// Mailgun webhooks.
texts! {
    WEBHOOK_FORGED = "La signature n'est pas valable", "The signature is not valid";
    WEBHOOK_REPLAYED = "Ceci a déjà été dit", "This was told before";
    REPLY_NO_ADDRESS = "L'adresse ne désigne aucune conversation", "The address names no conversation";
    REPLY_EXPIRED = "L'adresse de réponse n'est plus valable", "The address to answer to is no longer valid";
    REPLY_OTHER_SENDER = "L'expéditeur n'est pas le destinataire de l'e-mail",
        "The sender is not whom the e-mail was for";
    REPLY_NO_ID = "La réponse n'a pas de Message-ID", "The answer has no Message-ID";
    REPLY_EMPTY = "La réponse est vide", "The answer is empty";
    REPLY_CONTRADICTED = "Une autre réponse porte ce Message-ID", "Another answer has this Message-ID";
    REPLY_GONE = "La conversation ou la réponse a été supprimée",
        "The conversation or the answer was deleted";
    REPLY_AUTOMATIC = "Une réponse automatique n'est pas un message", "An automatic answer is no message";
    REPLY_UNREADABLE = "La réponse est trop volumineuse ou illisible",
        "The answer is too large, or cannot be read";
}

// The internal API. Each text starts with the name of the field.

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
    CONVERSATION_ID_TAKEN = "conversationId ne peut pas être celui de la conversation de ce rendez-vous",
        "conversationId cannot be that of the conversation of this booking";
    CONVERSATION_ID_RESERVED = "conversationId est un mot réservé", "conversationId is a reserved word";
    OCCURRED_IN_FUTURE = "occurredAt est à plus de 10 minutes dans l'avenir",
        "occurredAt is more than 10 minutes in the future";
    ISSUED_IN_FUTURE = "issuedBefore est à plus de 10 minutes dans l'avenir",
        "issuedBefore is more than 10 minutes in the future";
    EVENT_CONTRADICTED = "Cet eventId désigne déjà un autre événement",
        "This eventId already names another event";
}

/// Not a role of people.
pub fn role_words() -> Text {
    let words = "client, user_salon, user, user_tatoueur, admin, formateur";
    Text::formatted(
        format!("role doit être l'un de {words}"),
        format!("role must be one of {words}"),
    )
}

/// Not an id.
pub fn not_an_id(field: &str) -> Text {
    Text::formatted(
        format!("{field} doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -"),
        format!("{field} must have 1 to 64 characters of A-Z a-z 0-9 _ -"),
    )
}

/// No or too many booking ids.
pub fn appointment_ids() -> Text {
    Text::formatted(
        format!("appointmentId doit être donné de 1 à {BOOKINGS_ASKED_MAX} fois"),
        format!("appointmentId must be given 1 to {BOOKINGS_ASKED_MAX} times"),
    )
}

/// Not a time, or out of range.
pub fn not_a_time(field: &str) -> Text {
    Text::formatted(
        format!("{field} doit être une date ISO 8601 avec fuseau, de 1970 à 9998"),
        format!("{field} must be an ISO 8601 time with its offset, from 1970 to 9998"),
    )
}

/// Not a number of days, or out of range.
pub fn days_between(field: &str, min: u32, max: u32) -> Text {
    Text::formatted(
        format!("{field} doit être un nombre entier de jours, de {min} à {max}"),
        format!("{field} must be a whole number of days, from {min} to {max}"),
    )
}

/// Not a string.
pub fn not_a_text(field: &str) -> Text {
    Text::formatted(format!("{field} doit être un texte"), format!("{field} must be a text"))
}

/// The name is longer than [`NAME_MAX_CHARS`].
pub fn not_a_name(field: &str) -> Text {
    Text::formatted(
        format!("{field} doit contenir au plus {NAME_MAX_CHARS} caractères"),
        format!("{field} must have at most {NAME_MAX_CHARS} characters"),
    )
}

/// The picture URL is longer than [`IMAGE_MAX_CHARS`] or contains a control character.
pub fn image_too_long() -> Text {
    bounded("image", IMAGE_MAX_CHARS)
}

/// The e-mail address is longer than [`EMAIL_MAX_CHARS`] or contains a control character.
pub fn email_too_long() -> Text {
    bounded("email", EMAIL_MAX_CHARS)
}

/// Not a known kind of event.
pub fn kind_words() -> Text {
    let words = AppointmentEventKind::WORDS.join(", ");
    Text::formatted(
        format!("kind doit être l'un de {words}"),
        format!("kind must be one of {words}"),
    )
}

fn bounded(field: &str, max_chars: usize) -> Text {
    Text::formatted(
        format!("{field} doit contenir au plus {max_chars} caractères, sans caractère de contrôle"),
        format!("{field} must have at most {max_chars} characters, no control character"),
    )
}

/// A supported language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// French, the default.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// The tag of the language (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

/// A text in every [`Language`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    french: Cow<'static, str>,
    english: Cow<'static, str>,
}

impl Text {
    /// A constant text.
    pub const fn new(french: &'static str, english: &'static str) -> Self {
        Self { french: Cow::Borrowed(french), english: Cow::Borrowed(english) }
    }

    /// A constant text that is the same in both languages.
    pub const fn same(text: &'static str) -> Self {
        Self::new(text, text)
    }

    /// A formatted text.
    fn formatted(french: String, english: String) -> Self {
        Self { french: Cow::Owned(french), english: Cow::Owned(english) }
    }

    /// The text in `language`.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::French => &self.french,
            Language::English => &self.english,
        }
    }

    /// The text with the index of a list item as its prefix: `attachments.0.…`.
    #[must_use]
    pub fn of(&self, list: &str, index: usize) -> Self {
        let prefixed = |text: &str| format!("{list}.{index}.{text}");
        Self::formatted(prefixed(&self.french), prefixed(&self.english))
    }
}

#[cfg(test)]
mod tests {
    use super::{CLIENT_NOT_FOUND, FILE_NAME_REQUIRED, *};

    #[test]
    fn a_text_is_available_in_both_languages() {
        assert_eq!(CLIENT_NOT_FOUND.in_language(Language::French), "Client non trouvé");
        assert_eq!(CLIENT_NOT_FOUND.in_language(Language::English), "Client not found");
    }

    #[test]
    fn a_text_about_a_part_of_a_list_names_the_part() {
        let text = FILE_NAME_REQUIRED.of("attachments", 2);
        assert_eq!(
            text.in_language(Language::French),
            "attachments.2.Le nom du fichier est obligatoire"
        );
    }
}
