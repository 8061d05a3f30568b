//! Failures and their codes, the same for REST and sockets.

use std::{error::Error, fmt, sync::Arc};

use actix_web::http::StatusCode;
use domain::{
    appointments::{AppointmentEventError, handle::ReceiveAppointmentEventError},
    conversation::{
        Action,
        attachment::FileError,
        commands::{
            ChangeConversationError, DeleteMessageError, OpenConversationError, SendMessageError,
        },
        queries::FindError,
        uploads::{OpenFileError, UploadError},
    },
    mail::service::{MuteError, PreferencesError, ReplyByMailError},
    participant::directory::PutParticipantsError,
    ports::{KeepError, StoreError, TokenError},
    privacy::service::RevokeError,
};

use crate::{
    limits::RetryAfter,
    mail::BadStamp,
    texts::{self, Language, Text},
};

/// Defines each code once: its name, its HTTP status, and its meaning in French and English.
macro_rules! codes {
    ($($name:ident = $word:literal, $status:ident, $french:literal, $english:literal;)+) => {
        /// Why a request failed. The names are stable; new ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $english] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in responses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// The meaning in French.
            pub const fn french(self) -> &'static str {
                match self { $(Self::$name => $french,)+ }
            }

            /// The meaning in English.
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
        "Cet identifiant ne peut pas être celui de la conversation de ce rendez-vous.",
        "This id cannot be that of the conversation of this booking.";
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
    Busy = "busy", SERVICE_UNAVAILABLE,
        "Trop de travail attend déjà : recommencer après le délai donné, un envoi sous la même clé.",
        "Too much work waits already: repeat after the delay given, a send under the same key.";
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
    /// Parses the name of [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

// A failed request: REST converts it into a response, sockets into an acknowledgement.

/// Suggested delay before a retry while the store is unavailable, in milliseconds.
const UNAVAILABLE_RETRY_AFTER_MS: u64 = 1_000;

/// Why a request failed, as shown to the caller. `Display` and `Debug` contain no user data.
#[derive(Clone)]
pub struct Failure {
    code: Code,
    texts: Vec<Text>,
    retry_after_ms: Option<u64>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure with one text.
    pub fn new(code: Code, text: Text) -> Self {
        Self { code, texts: vec![text], retry_after_ms: None, cause: None }
    }

    /// Invalid fields or parameters, with one text per error.
    pub fn validation(reasons: Vec<Text>) -> Self {
        Self { code: Code::ValidationFailed, texts: reasons, retry_after_ms: None, cause: None }
    }

    /// Directory entries of erased people, with one text per person.
    pub fn erased(who: Vec<Text>) -> Self {
        Self { code: Code::ParticipantErased, texts: who, retry_after_ms: None, cause: None }
    }

    /// A program called a route for people.
    pub fn for_people() -> Self {
        Self::new(Code::Forbidden, texts::FOR_PEOPLE)
    }

    /// A person called a route for programs.
    pub fn for_programs() -> Self {
        Self::new(Code::Forbidden, texts::FOR_PROGRAMS)
    }

    /// An internal error, logged with its sources.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let failure = Self::new(Code::Internal, texts::INTERNAL);
        Self { cause: Some(Arc::new(cause)), ..failure }
    }

    /// The store or the file storage is unavailable or overloaded; the caller should retry.
    pub fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            retry_after_ms: Some(UNAVAILABLE_RETRY_AFTER_MS),
            cause: Some(Arc::new(cause)),
            ..Self::new(Code::Unavailable, texts::UNAVAILABLE)
        }
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the cause is on our side, so that the same request may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        self.code().status().is_server_error()
    }

    /// All texts in `language`; more than one only for [`Code::ValidationFailed`] and
    /// [`Code::ParticipantErased`].
    pub fn messages(&self, language: Language) -> Vec<&str> {
        self.texts.iter().map(|text| text.in_language(language)).collect()
    }

    /// All texts in one line.
    pub fn message(&self, language: Language) -> String {
        self.messages(language).join(", ")
    }

    /// The validation errors in `language`; empty for other codes.
    pub fn details(&self, language: Language) -> Vec<&str> {
        if self.code == Code::ValidationFailed { self.messages(language) } else { Vec::new() }
    }

    /// Suggested delay before a retry, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after_ms
    }

    /// Logs internal and availability errors with their chain of sources. Call it once, where the failure is
    /// sent to the caller.
    pub fn log(&self) {
        let Some(cause) = &self.cause else { return };
        let code = self.code.as_str();
        let cause = Chain(&**cause);
        if self.code == Code::Unavailable {
            tracing::warn!(code, %cause, "a dependency is unavailable");
        } else {
            tracing::error!(code, %cause, "request failed");
        }
    }
}

/// How long a client is asked to wait while too much of its work, or of everybody's, is under way, in
/// milliseconds.
const BUSY_RETRY_AFTER_MS: u64 = 1_000;

impl Failure {
    /// Too much work waits already.
    pub(crate) fn busy() -> Self {
        let failure = Self::new(Code::Busy, texts::BUSY);
        Self { retry_after_ms: Some(BUSY_RETRY_AFTER_MS), ..failure }
    }

    /// A limit is exceeded by somebody who cannot be told to slow down: whoever delivers what they sent is to
    /// deliver it again.
    pub(crate) fn not_now(wait: RetryAfter) -> Self {
        Self { retry_after_ms: Some(wait.as_millis()), ..Self::busy() }
    }
}

impl From<RetryAfter> for Failure {
    fn from(wait: RetryAfter) -> Self {
        let failure = Self::new(Code::RateLimited, texts::RATE_LIMITED);
        Self { retry_after_ms: Some(wait.as_millis()), ..failure }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("code", &self.code)
            .field("texts", &self.texts.len())
            .field("retry_after_ms", &self.retry_after_ms)
            .finish_non_exhaustive()
    }
}

impl Error for Failure {}

/// Displays an error and its sources in one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

impl Failure {
    /// The conversation does not exist or is not visible to the caller; the response does not reveal which.
    pub fn conversation_not_found() -> Self {
        Self::new(Code::ConversationNotFound, texts::CONVERSATION_NOT_FOUND)
    }

    /// The message does not exist or is not visible to the caller; the response does not reveal which.
    pub fn message_not_found() -> Self {
        Self::new(Code::MessageNotFound, texts::MESSAGE_NOT_FOUND)
    }

    /// The file does not exist or is not visible to the caller; the response does not reveal which.
    pub fn attachment_not_found() -> Self {
        Self::new(Code::AttachmentNotFound, texts::ATTACHMENT_NOT_FOUND)
    }

    /// The link is genuine but has expired.
    pub fn link_expired() -> Self {
        Self::new(Code::LinkExpired, texts::LINK_EXPIRED)
    }

    /// Converts the error of a lookup of a conversation.
    pub fn of_conversation(error: FindError) -> Self {
        match error {
            FindError::Unknown => Self::conversation_not_found(),
            FindError::Store(error) => error.into(),
        }
    }

    /// Converts the error of a lookup of a message.
    pub fn of_message(error: FindError) -> Self {
        match error {
            FindError::Unknown => Self::message_not_found(),
            FindError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy(_) => Self::unavailable(error),
            StoreError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::new(Code::TokenExpired, texts::UNAUTHORIZED),
            TokenError::Invalid => Self::new(Code::Unauthorized, texts::UNAUTHORIZED),
        }
    }
}

impl From<RevokeError> for Failure {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::InFuture => Self::validation(vec![texts::ISSUED_IN_FUTURE]),
            RevokeError::Store(error) => error.into(),
        }
    }
}

impl From<OpenConversationError> for Failure {
    fn from(error: OpenConversationError) -> Self {
        match error {
            OpenConversationError::NotASalon => Self::new(Code::SalonSideOnly, texts::SALON_OPENS),
            OpenConversationError::UnknownClient => {
                Self::new(Code::ClientNotFound, texts::CLIENT_NOT_FOUND)
            }
            OpenConversationError::NotAClient => Self::new(Code::NotAClient, texts::NOT_A_CLIENT),
            OpenConversationError::UnknownSalon => {
                Self::new(Code::SalonNotFound, texts::SALON_NOT_FOUND)
            }
            OpenConversationError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeConversationError> for Failure {
    fn from(error: ChangeConversationError) -> Self {
        match error {
            ChangeConversationError::Unknown => Self::conversation_not_found(),
            ChangeConversationError::NotForThisSide(action) => {
                let text = match action {
                    Action::ChangeStatus => texts::SALON_CHANGES_STATUS,
                    Action::Archive => texts::SALON_ARCHIVES,
                    Action::Delete => texts::SALON_DELETES,
                };
                Self::new(Code::SalonSideOnly, text)
            }
            ChangeConversationError::Store(error) => error.into(),
        }
    }
}

impl From<SendMessageError> for Failure {
    fn from(error: SendMessageError) -> Self {
        match error {
            SendMessageError::UnknownConversation => Self::conversation_not_found(),
            SendMessageError::KeyReused => {
                Self::new(Code::IdempotencyConflict, texts::KEY_NAMES_ANOTHER)
            }
            SendMessageError::UnknownUpload => {
                Self::new(Code::AttachmentUnknown, texts::ATTACHMENT_UNKNOWN)
            }
            SendMessageError::Withdrawn => Self::new(Code::MessageDeleted, texts::MESSAGE_DELETED),
            SendMessageError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteMessageError> for Failure {
    fn from(error: DeleteMessageError) -> Self {
        match error {
            DeleteMessageError::Unknown => Self::message_not_found(),
            DeleteMessageError::NotTheAuthor => {
                Self::new(Code::NotYourMessage, texts::AUTHOR_DELETES)
            }
            DeleteMessageError::Store(error) => error.into(),
        }
    }
}

// Uploads and downloads.

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Name(FileError::NameMissing) => {
                Self::validation(vec![texts::FILE_NAME_REQUIRED])
            }
            UploadError::Name(_) => Self::validation(vec![texts::file_name_invalid()]),
            UploadError::TooManyUnsent => Self::new(Code::TooManyUploads, texts::TOO_MANY_UPLOADS),
            UploadError::Kept(error) => error.into(),
            // The upload took longer than a day, after which unfinished uploads are purged.
            UploadError::Purged => Self::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT),
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Interrupted(_) => Self::new(Code::MalformedRequest, texts::MALFORMED_FORM),
            KeepError::TooLarge => Self::new(Code::FileTooLarge, texts::FILE_TOO_LARGE),
            KeepError::TypeNotAllowed => {
                Self::new(Code::FileTypeNotAllowed, texts::FILE_TYPE_IMAGES)
            }
            KeepError::Unreadable => Self::new(Code::FileUnreadable, texts::FILE_UNREADABLE),
            KeepError::TooManyPixels => Self::new(Code::TooManyPixels, texts::TOO_MANY_PIXELS),
            KeepError::TooManyAtOnce => Self {
                retry_after_ms: Some(1_000),
                ..Self::new(Code::RateLimited, texts::RATE_LIMITED)
            },
            KeepError::Busy | KeepError::Failed(_) => Self::unavailable(error),
        }
    }
}

impl From<OpenFileError> for Failure {
    fn from(error: OpenFileError) -> Self {
        match error {
            OpenFileError::Store(error) => error.into(),
            OpenFileError::Files(error) => Self::unavailable(error),
        }
    }
}

impl Failure {
    /// No webhook key is configured, so the routes do not exist.
    pub(crate) fn no_webhooks() -> Self {
        Self::new(Code::NotFound, texts::cannot("POST", "/webhooks"))
    }

    /// A reply by mail is refused for good.
    pub(crate) fn reply_refused(text: Text) -> Self {
        Self::new(Code::ReplyRefused, text)
    }
}

impl From<PreferencesError> for Failure {
    fn from(error: PreferencesError) -> Self {
        match error {
            PreferencesError::UnknownPerson => {
                Self::new(Code::ParticipantNotFound, texts::PARTICIPANT_NOT_FOUND)
            }
            PreferencesError::Store(error) => error.into(),
        }
    }
}

impl From<MuteError> for Failure {
    fn from(error: MuteError) -> Self {
        match error {
            MuteError::UnknownConversation => Self::conversation_not_found(),
            MuteError::TooMany => Self::new(Code::TooManyMuted, texts::TOO_MANY_MUTED),
            MuteError::Store(error) => error.into(),
        }
    }
}

impl From<ReplyByMailError> for Failure {
    fn from(error: ReplyByMailError) -> Self {
        Self::reply_refused(match error {
            ReplyByMailError::UnknownAddress => texts::REPLY_NO_ADDRESS,
            ReplyByMailError::Expired => texts::REPLY_EXPIRED,
            ReplyByMailError::OtherSender => texts::REPLY_OTHER_SENDER,
            ReplyByMailError::NoMessageId => texts::REPLY_NO_ID,
            ReplyByMailError::Empty => texts::REPLY_EMPTY,
            ReplyByMailError::Contradicted => texts::REPLY_CONTRADICTED,
            ReplyByMailError::Gone => texts::REPLY_GONE,
            ReplyByMailError::Store(error) => return error.into(),
        })
    }
}

impl From<BadStamp> for Failure {
    fn from(bad: BadStamp) -> Self {
        match bad {
            BadStamp::Forged => Self::new(Code::WebhookForged, texts::WEBHOOK_FORGED),
            BadStamp::Replayed => Self::new(Code::WebhookReplayed, texts::WEBHOOK_REPLAYED),
            BadStamp::InProgress => Self::busy(),
            BadStamp::Store(error) => error.into(),
        }
    }
}

// The internal API.

impl From<ReceiveAppointmentEventError> for Failure {
    fn from(error: ReceiveAppointmentEventError) -> Self {
        match error {
            ReceiveAppointmentEventError::Invalid(AppointmentEventError::SamePerson) => {
                Self::validation(vec![texts::SAME_PERSON])
            }
            ReceiveAppointmentEventError::Invalid(AppointmentEventError::NameInvalid) => {
                Self::validation(vec![texts::not_a_name("clientFirstName")])
            }
            ReceiveAppointmentEventError::Invalid(AppointmentEventError::InFuture) => {
                Self::validation(vec![texts::OCCURRED_IN_FUTURE])
            }
            ReceiveAppointmentEventError::Invalid(
                AppointmentEventError::ConversationIdReserved,
            ) => Self::validation(vec![texts::CONVERSATION_ID_RESERVED]),
            ReceiveAppointmentEventError::ConversationIdTaken => {
                Self::new(Code::ConversationIdTaken, texts::CONVERSATION_ID_TAKEN)
            }
            ReceiveAppointmentEventError::Contradicted => {
                Self::new(Code::IdempotencyConflict, texts::EVENT_CONTRADICTED)
            }
            ReceiveAppointmentEventError::Store(error) => error.into(),
        }
    }
}

/// All fields were validated before, so only store errors occur unless the domain adds a rule.
impl From<PutParticipantsError> for Failure {
    fn from(error: PutParticipantsError) -> Self {
        match error {
            PutParticipantsError::TooMany => Self::validation(vec![texts::PARTICIPANTS_LIST]),
            PutParticipantsError::Invalid { index } => {
                Self::validation(vec![texts::DETAIL_INVALID.of("participants", index)])
            }
            PutParticipantsError::Forgotten(_) => Self::erased(vec![texts::PARTICIPANT_ERASED]),
            PutParticipantsError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod code_tests {
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

#[cfg(test)]
mod failure_tests {
    use domain::ports::StoreError;

    use super::*;

    #[test]
    fn the_log_gets_the_whole_chain() {
        let error = StoreError::Internal("a column is missing".into());
        assert_eq!(Chain(&error).to_string(), "the store failed: a column is missing");
    }

    #[test]
    fn a_failure_printed_by_accident_gives_no_text_away() {
        let secret = texts::cannot("GET", "/secret");
        let failure = Failure::new(Code::NotFound, secret);
        assert!(!format!("{failure} {failure:?}").contains("secret"));
    }

    #[test]
    fn several_reasons_become_one_line_for_those_who_want_one() {
        let failure = Failure::validation(vec![texts::CONTENT_TOO_SHORT, texts::CONTENT_EMPTY]);
        assert_eq!(
            failure.message(Language::French),
            "Le message doit contenir au moins 1 caractère, \
             Le contenu du message ne peut pas être vide"
        );
    }
}
