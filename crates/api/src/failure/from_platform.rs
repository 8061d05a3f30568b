//! What becomes of a program's request.

use domain::{
    appointment::AppointmentEventError,
    usecase::{PutParticipantsError, ReceiveAppointmentEventError},
};

use super::Failure;
use crate::{code::Code, texts::platform as texts};

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

/// Every field was checked before, so but for the store this speaks only if the domain adds a rule.
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
