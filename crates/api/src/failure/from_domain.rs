use domain::{
    conversation::Action,
    ports::{StoreError, TokenError},
    usecase::{
        ChangeConversationError, DeleteMessageError, FindError, OpenConversationError,
        SendMessageError,
    },
};

use super::Failure;
use crate::{code::Code, texts};

impl Failure {
    /// The conversation is not there, or not for the caller: nobody learns which.
    pub fn conversation_not_found() -> Self {
        Self::new(Code::ConversationNotFound, texts::CONVERSATION_NOT_FOUND)
    }

    /// The message is not there, or not for the caller: nobody learns which.
    pub fn message_not_found() -> Self {
        Self::new(Code::MessageNotFound, texts::MESSAGE_NOT_FOUND)
    }

    /// The file is not there, or not for the caller: nobody learns which.
    pub fn attachment_not_found() -> Self {
        Self::new(Code::AttachmentNotFound, texts::files::ATTACHMENT_NOT_FOUND)
    }

    /// The link was good once.
    pub fn link_expired() -> Self {
        Self::new(Code::LinkExpired, texts::files::LINK_EXPIRED)
    }

    /// A conversation was looked for.
    pub fn of_conversation(error: FindError) -> Self {
        match error {
            FindError::Unknown => Self::conversation_not_found(),
            FindError::Store(error) => error.into(),
        }
    }

    /// A message was looked for.
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
                Self::new(Code::AttachmentUnknown, texts::files::ATTACHMENT_UNKNOWN)
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
