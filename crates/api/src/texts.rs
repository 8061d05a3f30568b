//! Every text that a person may read, once, in French and in English.
//!
//! The French ones are what the front end shows, so they are part of the interface: a changed
//! letter is a changed interface. Those in English on both sides always were.

mod text;

macro_rules! texts {
    ($($name:ident = $french:literal, $english:literal;)+) => {
        $(#[doc = $english] pub const $name: Text = Text::new($french, $english);)+
    };
}

pub mod files;
pub mod mail;
pub mod platform;

use domain::{
    attachment::FILE_NAME_MAX_CHARS,
    text::{CONTENT_MAX_CHARS, SUBJECT_MAX_CHARS},
};
pub use text::{Language, Text};

// Who may do what.
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

// Requests as a whole.
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

// What sockets say when nothing more exact is known.
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

/// The content is longer than [`CONTENT_MAX_CHARS`].
pub fn content_too_long() -> Text {
    Text::made(
        format!("Le message ne doit pas dépasser {CONTENT_MAX_CHARS} caractères"),
        format!("The message must not exceed {CONTENT_MAX_CHARS} characters"),
    )
}

/// The subject is longer than [`SUBJECT_MAX_CHARS`].
pub fn subject_too_long() -> Text {
    Text::made(
        format!("Le sujet ne doit pas dépasser {SUBJECT_MAX_CHARS} caractères"),
        format!("The subject must not exceed {SUBJECT_MAX_CHARS} characters"),
    )
}

/// The name of a file is longer than [`FILE_NAME_MAX_CHARS`], or not a name.
pub fn file_name_invalid() -> Text {
    Text::made(
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
    Text::made(text.clone(), text)
}

/// A field holds a text that was cut inside a character.
pub fn half_a_character(field: &str) -> Text {
    let (french, english) = named(field);
    Text::made(
        format!("{french} contient la moitié d'un caractère (demi-codet UTF-16 isolé)"),
        format!("{english} holds half a character (a lone UTF-16 surrogate)"),
    )
}

/// A field holds what no parser reads.
pub fn not_readable(field: &str) -> Text {
    let (french, english) = named(field);
    Text::made(format!("{french} est illisible"), format!("{english} cannot be read"))
}

/// The field, if it looks like one of ours: callers write any name.
fn named(field: &str) -> (&str, &str) {
    let is_plain = field.len() <= 64 && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain && !field.is_empty() { (field, field) } else { ("un champ", "a field") }
}

/// A parameter of the query stands there more than once.
pub fn given_twice(parameter: &str) -> Text {
    Text::made(
        format!("{parameter} ne peut être donné qu'une fois"),
        format!("{parameter} can be given only once"),
    )
}
