//! A request that did not succeed, whoever asked: REST turns it into an answer, sockets into an
//! acknowledgement.

mod from_domain;
mod from_files;
mod from_mail;
mod from_platform;

use std::{error::Error, fmt, sync::Arc};

use crate::{
    code::Code,
    limits::RetryAfter,
    texts::{self, Language, Text},
};

/// How long a caller should wait when the store could not answer, in milliseconds.
const UNAVAILABLE_RETRY_AFTER_MS: u64 = 1_000;

/// Why a request failed, as the caller may know it. Its `Display` holds no text of anybody's.
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

    /// Fields or parameters that are not acceptable: all the reasons.
    pub fn validation(reasons: Vec<Text>) -> Self {
        Self { code: Code::ValidationFailed, texts: reasons, retry_after_ms: None, cause: None }
    }

    /// People who are wanted back and were erased: all of them.
    pub fn erased(who: Vec<Text>) -> Self {
        Self { code: Code::ParticipantErased, texts: who, retry_after_ms: None, cause: None }
    }

    /// The caller is a program where people are asked for.
    pub fn for_people() -> Self {
        Self::new(Code::Forbidden, texts::FOR_PEOPLE)
    }

    /// The caller is a person where programs are asked for.
    pub fn for_programs() -> Self {
        Self::new(Code::Forbidden, texts::FOR_PROGRAMS)
    }

    /// A fault of ours, to be logged with its sources.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let failure = Self::new(Code::Internal, texts::INTERNAL);
        Self { cause: Some(Arc::new(cause)), ..failure }
    }

    /// The store, or the place where files are kept, is out of reach or overloaded; the caller should
    /// come again.
    pub fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            retry_after_ms: Some(UNAVAILABLE_RETRY_AFTER_MS),
            cause: Some(Arc::new(cause)),
            ..Self::new(Code::Unavailable, texts::UNAVAILABLE)
        }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// All its texts in `language`; more than one only for [`Code::ValidationFailed`] and
    /// [`Code::ParticipantErased`].
    pub fn messages(&self, language: Language) -> Vec<&str> {
        self.texts.iter().map(|text| text.say(language)).collect()
    }

    /// Its texts as one line.
    pub fn message(&self, language: Language) -> String {
        self.messages(language).join(", ")
    }

    /// What exactly is wrong with what was sent, in `language`; nothing unless that is what failed.
    pub fn details(&self, language: Language) -> Vec<&str> {
        if self.code == Code::ValidationFailed { self.messages(language) } else { Vec::new() }
    }

    /// How long to wait before the same request may succeed, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after_ms
    }

    /// Writes down what is not the caller's doing, with its whole chain of sources. To be called
    /// once, where the failure leaves the house.
    pub fn log(&self) {
        let Some(cause) = &self.cause else { return };
        let code = self.code.as_str();
        let cause = Chain(&**cause);
        if self.code == Code::Unavailable {
            tracing::warn!(code, %cause, "something that is needed did not answer");
        } else {
            tracing::error!(code, %cause, "a request failed by our fault");
        }
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

/// An error and its sources in one line.
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

#[cfg(test)]
mod tests {
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
