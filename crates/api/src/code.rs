//! The codes by which callers tell one failure from another: the same on REST and on sockets.

use actix_web::http::StatusCode;

/// Writes each code down once: its word, its HTTP status, and what it means in French and English.
macro_rules! codes {
    ($($name:ident = $word:literal, $status:ident, $french:literal, $english:literal;)+) => {
        /// Why a request failed. The words never change; new ones may come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $english] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// What it means, in French.
            pub const fn french(self) -> &'static str {
                match self { $(Self::$name => $french,)+ }
            }

            /// What it means, in English.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)+ }
            }
        }
    };
}

codes! {
    Unauthorized = "unauthorized", UNAUTHORIZED,
        "Le jeton manque ou n'est pas valable.",
        "The token is missing or not valid.";
    TokenExpired = "token_expired", UNAUTHORIZED,
        "Le jeton a expiré : en demander un autre et recommencer.",
        "The token has expired: get another one and repeat.";
    Forbidden = "forbidden", FORBIDDEN,
        "Cette route n'est pas pour ce genre d'appelant : personnes et programmes ont chacun les leurs.",
        "This route is not for this kind of caller: people and programs each have their own.";
    OriginNotAllowed = "origin_not_allowed", FORBIDDEN,
        "La page qui appelle n'est pas sur une origine autorisée.",
        "The calling page is not on an allowed origin.";
    SalonSideOnly = "salon_side_only", FORBIDDEN,
        "Seul le côté salon peut faire cela.",
        "Only the salon side may do this.";
    NotYourMessage = "not_your_message", FORBIDDEN,
        "Seul l'auteur d'un message peut le supprimer.",
        "Only its author may delete a message.";
    ConversationNotFound = "conversation_not_found", NOT_FOUND,
        "Cette conversation n'existe pas, ou pas pour l'appelant.",
        "There is no such conversation, or not for the caller.";
    MessageNotFound = "message_not_found", NOT_FOUND,
        "Ce message n'existe pas, ou pas pour l'appelant.",
        "There is no such message, or not for the caller.";
    AttachmentNotFound = "attachment_not_found", NOT_FOUND,
        "Ce fichier n'existe pas, ou pas pour l'appelant.",
        "There is no such file, or not for the caller.";
    ErasureNotFound = "erasure_not_found", NOT_FOUND,
        "Personne n'a demandé l'effacement de cette personne.",
        "Nobody asked to erase this person.";
    RetentionNotFound = "retention_not_found", NOT_FOUND,
        "Ce salon n'a pas de durée de conservation qui lui soit propre.",
        "This salon has no retention of its own.";
    ClientNotFound = "client_not_found", NOT_FOUND,
        "L'annuaire ne connaît pas ce client.",
        "The directory does not know this client.";
    SalonNotFound = "salon_not_found", NOT_FOUND,
        "L'annuaire ne connaît pas le salon qui appelle.",
        "The directory does not know the calling salon.";
    ParticipantNotFound = "participant_not_found", NOT_FOUND,
        "L'annuaire ne connaît pas cette personne.",
        "The directory does not know this person.";
    AppointmentNotFound = "appointment_not_found", NOT_FOUND,
        "Ceci n'est pas l'identifiant d'un rendez-vous.",
        "This is not the id of an appointment.";
    NotFound = "not_found", NOT_FOUND,
        "Aucune route n'a ce chemin et cette méthode.",
        "No route has this path and method.";
    NotAClient = "not_a_client", BAD_REQUEST,
        "La personne désignée comme client n'en est pas un.",
        "The person named as the client is not one.";
    ValidationFailed = "validation_failed", BAD_REQUEST,
        "Des champs ou des paramètres ne sont pas acceptables ; chaque raison est donnée.",
        "Fields or parameters are not acceptable; every reason is given.";
    MalformedBody = "malformed_body", BAD_REQUEST,
        "Le corps n'est pas un objet JSON en UTF-8.",
        "The body is not a JSON object in UTF-8.";
    MalformedRequest = "malformed_request", BAD_REQUEST,
        "La requête HTTP elle-même n'est pas acceptable.",
        "The HTTP request itself is not acceptable.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT,
        "Le corps de la requête n'est pas arrivé à temps.",
        "The body of the request did not arrive in time.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST,
        "Le curseur ne vient pas d'une réponse de cette liste.",
        "The cursor does not come from an answer of this list.";
    IdempotencyConflict = "idempotency_conflict", CONFLICT,
        "Cette clé désigne déjà autre chose du même auteur.",
        "This key already names something else of the same author.";
    ConversationIdTaken = "conversation_id_taken", CONFLICT,
        "Cet identifiant est celui d'une autre conversation, ou réservé à un autre rendez-vous.",
        "This id is another conversation's, or reserved for another booking.";
    TooManyMuted = "too_many_muted", CONFLICT,
        "Cette personne a mis trop de conversations en sourdine : en rétablir une.",
        "This person has muted too many conversations: unmute one.";
    WebhookForged = "webhook_forged", FORBIDDEN,
        "Ceci n'est pas signé par le service de courrier, ou l'a été il y a trop longtemps.",
        "This is not signed by the mail service, or was signed too long ago.";
    WebhookReplayed = "webhook_replayed", NOT_ACCEPTABLE,
        "Ceci a déjà été dit : ne pas recommencer.",
        "This was told before: do not repeat it.";
    ReplyRefused = "reply_refused", NOT_ACCEPTABLE,
        "Cette réponse par e-mail ne devient pas un message : ne pas recommencer.",
        "This answer by mail does not become a message: do not repeat it.";
    MessageDeleted = "message_deleted", GONE,
        "Cette clé désigne un message que son auteur a supprimé depuis.",
        "This key names a message that its author has deleted since.";
    LinkExpired = "link_expired", GONE,
        "Ce lien vers un fichier a expiré : en demander un autre.",
        "This link to a file has expired: ask for another one.";
    ParticipantErased = "participant_erased", GONE,
        "Cette personne a été effacée et ne peut pas revenir sous cet identifiant.",
        "This person was erased and cannot come back under this id.";
    AttachmentUnknown = "attachment_unknown", UNPROCESSABLE_ENTITY,
        "Un fichier joint n'a pas été envoyé par l'appelant, n'est pas prêt, ou sert déjà.",
        "An attachment was not uploaded by the caller, is not ready, or is in use already.";
    FileUnreadable = "file_unreadable", UNPROCESSABLE_ENTITY,
        "Le fichier se donne pour une image et ne peut pas être lu.",
        "The file claims to be a picture and cannot be read.";
    TooManyPixels = "too_many_pixels", UNPROCESSABLE_ENTITY,
        "L'image a trop de pixels.",
        "The picture has too many pixels.";
    FileTooLarge = "file_too_large", PAYLOAD_TOO_LARGE,
        "Le fichier est trop grand.",
        "The file is too large.";
    FileTypeNotAllowed = "file_type_not_allowed", UNSUPPORTED_MEDIA_TYPE,
        "Le fichier n'est pas une image JPEG, PNG, GIF ou WebP, ou pas celle qu'il dit être.",
        "The file is no JPEG, PNG, GIF or WebP picture, or not the one it says it is.";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE,
        "Le corps de la requête est trop grand.",
        "The body of the request is too large.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE,
        "Le corps doit être du type que la route prend (JSON, ou un formulaire `multipart/form-data`), sans compression autre que gzip ou deflate pour du JSON.",
        "The body must be of the type that the route takes (JSON, or a `multipart/form-data` form), with no compression but gzip or deflate for JSON.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS,
        "Trop de requêtes : recommencer après le délai donné.",
        "Too many requests: repeat after the delay given.";
    TooManyUploads = "too_many_uploads", TOO_MANY_REQUESTS,
        "Trop de fichiers attendent d'être envoyés dans un message.",
        "Too many files wait to be sent in a message.";
    TooManySessions = "too_many_sessions", TOO_MANY_REQUESTS,
        "Cette personne a déjà trop de connexions ouvertes.",
        "This person has too many connections open already.";
    TooManyRooms = "too_many_rooms", TOO_MANY_REQUESTS,
        "Cette connexion suit déjà trop de conversations : en quitter une.",
        "This connection has joined too many conversations already: leave one.";
    Internal = "internal", INTERNAL_SERVER_ERROR,
        "Une erreur de notre côté ; elle est journalisée.",
        "A fault on our side; it is logged.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE,
        "Le service est momentanément indisponible : recommencer, un envoi sous la même clé.",
        "The service is unavailable for a moment: repeat, a send under the same key.";
}

impl Code {
    /// Reads [`as_str`](Self::as_str)'s word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_written_and_no_two_share_a_word() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert_eq!(Code::parse("nonsense"), None);
    }

    #[test]
    fn the_guide_lists_every_code_with_its_status_and_meaning() {
        let guide = include_str!("../../../docs/api.md");
        let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `")).collect();
        for code in Code::ALL {
            let row = format!(
                "| `{}` | {} | {} | {} |",
                code.as_str(),
                code.status().as_u16(),
                code.french(),
                code.english()
            );
            assert!(rows.contains(&row.as_str()), "docs/api.md lacks the row {row}");
        }
    }
}
