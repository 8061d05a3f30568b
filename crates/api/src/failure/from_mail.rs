use domain::usecase::{MuteError, PreferencesError, ReplyByMailError};

use super::Failure;
use crate::{
    code::Code,
    mail::BadStamp,
    texts::{Text, mail as texts},
};

impl Failure {
    /// There is no key by which to believe what is told: the routes should not be there.
    pub(crate) fn no_webhooks() -> Self {
        Self::new(Code::NotFound, crate::texts::cannot("POST", "/webhooks"))
    }

    /// An answer by mail will never be posted.
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
        }
    }
}
