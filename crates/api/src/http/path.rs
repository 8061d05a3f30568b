use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::id::{AttachmentId, ConversationId, MessageId, UserId};

use crate::{failure::Failure, texts};

/// The id in the path. A text that no id can be is an id of nothing.
#[derive(Debug)]
pub(crate) struct InPath<T>(pub(crate) T);

/// An id that can stand in a path.
pub(crate) trait PathId: Sized {
    /// Reads it.
    fn read(text: &str) -> Option<Self>;

    /// What is said when there is no such thing.
    fn not_found() -> Failure;
}

impl PathId for ConversationId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::conversation_not_found()
    }
}

impl PathId for MessageId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::message_not_found()
    }
}

impl PathId for AttachmentId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::attachment_not_found()
    }
}

/// The platform's ids are only carried: what cannot be one is refused.
impl PathId for UserId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::validation(vec![texts::platform::PARTICIPANT_ID])
    }
}

impl<T: PathId> FromRequest for InPath<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(T::read);
        ready(id.map(Self).ok_or_else(T::not_found))
    }
}
