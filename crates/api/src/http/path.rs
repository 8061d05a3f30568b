use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::Uri,
};
use domain::id::{AttachmentId, ConversationId, MessageId, UserId};

use crate::{failure::Failure, texts};

/// Paths that end with a slash by their own right.
const WITH_SLASH: [&str; 2] = ["/", "/docs/"];

/// Has routes found as if a single slash at the end of the path were not there. Only they see it so:
/// what is said of a path that leads nowhere names it as it came. All else counts to the letter, so
/// that a rule of a proxy for `/internal` means here what it means there.
pub(super) fn ignore_last_slash(request: &mut ServiceRequest) {
    let path = request.path();
    let Some(shorter) = path.strip_suffix('/').filter(|shorter| !shorter.ends_with('/')) else {
        return;
    };
    if WITH_SLASH.contains(&path) {
        return;
    }
    if let Ok(uri) = Uri::try_from(shorter) {
        request.match_info_mut().get_mut().update(&uri);
    }
}

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
