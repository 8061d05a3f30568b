use actix_web::web::Query;
use domain::{
    appointments::store::BOOKINGS_ASKED_MAX,
    conversation::Status,
    ids::{AppointmentId, ConversationId, Seq, UserId},
    page::{ConversationCursor, MessageCursor, PageNumber, PageSize, Start, Window},
    time::Timestamp,
};

use crate::{
    error::{Code, Failure},
    texts,
};

/// Default number of conversations per page.
const CONVERSATIONS_PER_PAGE: i64 = 20;
/// Default number of messages per page.
const MESSAGES_PER_PAGE: i64 = 50;

/// Maximum number of log events per page.
pub const EVENTS_PER_PAGE_MAX: u32 = 200;

/// The query of a list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationQuery {
    /// Only conversations with this status.
    pub status: Option<Status>,
    /// The requested page.
    pub window: Window<ConversationCursor>,
}

/// Parses the query of a list of conversations.
///
/// # Errors
/// A validation failure for an unknown status or a repeated parameter; `invalid_cursor`.
pub fn conversation_query(query: &str) -> Result<ConversationQuery, Failure> {
    let parameters = Parameters::read(query, &["page", "limit", "cursor", "status"])?;
    let status = match parameters.get("status").filter(|word| !word.is_empty()) {
        None => None,
        Some(word) => Some(
            Status::parse(word).ok_or_else(|| Failure::validation(vec![texts::STATUS_WORDS]))?,
        ),
    };
    let window = parameters.window(CONVERSATIONS_PER_PAGE, parse_conversation_cursor)?;
    Ok(ConversationQuery { status, window })
}

/// Parses the query of a list of messages.
///
/// # Errors
/// A validation failure for a repeated parameter; `invalid_cursor`.
pub fn message_query(query: &str) -> Result<Window<MessageCursor>, Failure> {
    let parameters = Parameters::read(query, &["page", "limit", "cursor"])?;
    parameters.window(MESSAGES_PER_PAGE, parse_message_cursor)
}

/// Parses the query for the conversations of bookings: one salon and 1 to [`BOOKINGS_ASKED_MAX`] bookings.
///
/// # Errors
/// A validation failure with every error.
pub fn bookings_query(query: &str) -> Result<(UserId, Vec<AppointmentId>), Failure> {
    let pairs = Query::<Vec<(String, String)>>::from_query(query);
    let malformed = |_| Failure::new(Code::MalformedRequest, texts::MALFORMED_REQUEST);
    let pairs = pairs.map_err(malformed)?.into_inner();
    let given = |name| pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value);
    let mut reasons = Vec::new();
    let salon = match (given("salonId").next(), given("salonId").count()) {
        (_, 2..) => {
            reasons.push(texts::given_twice("salonId"));
            None
        }
        (id, _) => id.and_then(|id| UserId::parse(id).ok()),
    };
    if salon.is_none() && reasons.is_empty() {
        reasons.push(texts::not_an_id("salonId"));
    }
    let bookings: Vec<_> = given("appointmentId").map(|id| AppointmentId::parse(id)).collect();
    if !(1..=BOOKINGS_ASKED_MAX).contains(&bookings.len()) {
        reasons.push(texts::appointment_ids());
    }
    let bookings: Result<Vec<_>, _> = bookings.into_iter().collect();
    if bookings.is_err() {
        reasons.push(texts::not_an_id("appointmentId"));
    }
    match (salon, bookings) {
        (Some(salon), Ok(bookings)) if reasons.is_empty() => Ok((salon, bookings)),
        _ => Err(Failure::validation(reasons)),
    }
}

/// The query of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// The position after which to start.
    pub after: Seq,
    /// Maximum number of events, 1 to [`EVENTS_PER_PAGE_MAX`].
    pub limit: u32,
}

/// Parses the query of a log.
///
/// # Errors
/// A validation failure for an invalid position or a repeated parameter.
pub fn event_query(query: &str) -> Result<EventQuery, Failure> {
    let parameters = Parameters::read(query, &["after", "limit"])?;
    let after = match parameters.get("after").filter(|after| !after.is_empty()) {
        None => Seq::ZERO,
        Some(number) => {
            let after = Some(number).filter(|number| is_digits(number));
            let after = after.and_then(|number| number.parse().ok()).and_then(Seq::new);
            after.ok_or_else(|| Failure::validation(vec![texts::AFTER_POSITION]))?
        }
    };
    let limit =
        parameters.get("limit").and_then(leading_integer).and_then(|n| u32::try_from(n).ok());
    let limit = limit.unwrap_or(EVENTS_PER_PAGE_MAX).clamp(1, EVENTS_PER_PAGE_MAX);
    Ok(EventQuery { after, limit })
}

/// Parses the query of an unsubscribe link into user id and signature; `None` if one is missing or
/// repeated.
pub fn link_query(query: &str) -> Option<(String, String)> {
    let parameters = Parameters::read(query, &["person", "signature"]).ok()?;
    let parameter = |name| parameters.get(name).map(str::to_owned);
    Some((parameter("person")?, parameter("signature")?))
}

/// A cursor into a list of conversations as text, opaque to callers: `c`, the time of the newest message
/// in milliseconds, `-`, the id of the conversation.
pub fn encode_conversation_cursor(cursor: &ConversationCursor) -> String {
    format!("c{}-{}", cursor.last_message_at.as_millis(), cursor.id)
}

/// Parses [`encode_conversation_cursor`]; `None` for anything else.
fn parse_conversation_cursor(text: &str) -> Option<ConversationCursor> {
    let (millis, id) = text.strip_prefix('c')?.split_once('-')?;
    let millis = Some(millis).filter(|digits| is_digits(digits))?.parse().ok()?;
    Some(ConversationCursor {
        last_message_at: Timestamp::from_millis(millis)?,
        id: ConversationId::parse(id).ok()?,
    })
}

/// A cursor into a list of messages as text, opaque to callers: `m` and a position.
pub fn encode_message_cursor(cursor: &MessageCursor) -> String {
    format!("m{}", cursor.0)
}

/// Parses [`encode_message_cursor`]; `None` for anything else.
fn parse_message_cursor(text: &str) -> Option<MessageCursor> {
    let digits = text.strip_prefix('m').filter(|digits| is_digits(digits))?;
    digits.parse().ok().and_then(Seq::new).map(MessageCursor)
}

/// The known parameters of a query.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parses the parameters in `known`, each at most once; others are ignored.
    fn read(query: &str, known: &[&'static str]) -> Result<Self, Failure> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query);
        let malformed = |_| Failure::new(Code::MalformedRequest, texts::MALFORMED_REQUEST);
        let mut pairs = pairs.map_err(malformed)?.into_inner();
        pairs.retain(|(name, _)| known.contains(&name.as_str()));
        let count = |name: &str| pairs.iter().filter(|(known, _)| known == name).count();
        let repeated = known.iter().filter(|name| count(name) > 1);
        let reasons: Vec<_> = repeated.map(|name| texts::given_twice(name)).collect();
        if reasons.is_empty() { Ok(Self(pairs)) } else { Err(Failure::validation(reasons)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn window<C>(
        &self,
        default_size: i64,
        read_cursor: fn(&str) -> Option<C>,
    ) -> Result<Window<C>, Failure> {
        let number = |name| self.get(name).and_then(leading_integer);
        let invalid = || Failure::new(Code::InvalidCursor, texts::INVALID_CURSOR);
        let start = match self.get("cursor").filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => Start::After(read_cursor(cursor).ok_or_else(invalid)?),
            None => Start::Number(PageNumber::clamped(number("page").unwrap_or(1))),
        };
        let size = PageSize::clamped(number("limit").unwrap_or(default_size));
        Ok(Window { start, size })
    }
}

/// Parses the integer at the start of `text` like JavaScript's `parseInt(text, 10)`: `1.9` and `1e3` are 1.
/// Saturates at the bounds of `i64`.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let digits = Some(&digits[..end]).filter(|digits| is_digits(digits))?;
    let magnitude = digits.parse().unwrap_or(i64::MAX);
    Some(if is_negative { -magnitude } else { magnitude })
}

/// Whether `text` is a non-empty sequence of ASCII digits.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_and_limit(query: &str) -> (u32, u32) {
        let window = message_query(query).expect("acceptable");
        let Start::Number(number) = window.start else { panic!("a number was expected") };
        (number.get(), window.size.get())
    }

    #[test]
    fn an_invalid_page_number_is_clamped_or_defaulted() {
        let table = [
            ("", (1, 50)),
            ("page=2&limit=10", (2, 10)),
            ("page=1.9&limit=1e3", (1, 1)),
            ("page=%203x&limit=+7", (3, 7)),
            ("page=abc&limit=", (1, 50)),
            ("page=0&limit=0", (1, 1)),
            ("page=-5&limit=-5", (1, 1)),
            ("page=99999999999999999999&limit=99999999999999999999", (10_000, 100)),
            ("page=0x10&limit=Infinity", (1, 50)),
            ("unknown=1&unknown=2&limit=%F0%28", (1, 50)),
        ];
        for (query, expected) in table {
            assert_eq!(page_and_limit(query), expected, "{query}");
        }
    }

    #[test]
    fn a_cursor_wins_over_a_page_and_must_be_one_of_ours() {
        let window = message_query("page=3&cursor=m7&limit=5").expect("acceptable");
        assert!(matches!(window.start, Start::After(MessageCursor(seq)) if seq.get() == 7));
        for bad in ["cursor=x", "cursor=c1-a", "cursor=m-1", "cursor=%00"] {
            assert_eq!(message_query(bad).expect_err("bad").code(), Code::InvalidCursor, "{bad}");
        }
        assert!(matches!(
            message_query("cursor=").expect("as if not there").start,
            Start::Number(_)
        ));
    }

    #[test]
    fn a_status_is_one_of_two_and_an_empty_one_is_none() {
        let status = |query| conversation_query(query).map(|query| query.status);
        assert_eq!(status("status=ARCHIVED").expect("good"), Some(Status::Archived));
        assert_eq!(status("status=").expect("good"), None);
        for bad in
            ["status=active", "status=CLOSED", "status=ACTIVE&status=ARCHIVED", "page=1&page=2"]
        {
            assert_eq!(status(bad).expect_err("bad").code(), Code::ValidationFailed, "{bad}");
        }
    }

    #[test]
    fn conversations_are_asked_for_by_one_salon_and_some_bookings() {
        let (salon, bookings) =
            bookings_query("salonId=s1&appointmentId=a&appointmentId=b&other=1").expect("good");
        assert_eq!(salon.as_str(), "s1");
        assert_eq!(bookings.iter().map(AppointmentId::as_str).collect::<Vec<_>>(), ["a", "b"]);
        let many = |count: usize| format!("salonId=s1{}", "&appointmentId=a".repeat(count));
        assert_eq!(bookings_query(&many(100)).expect("good").1.len(), 100);
        let reasons = |query: &str| {
            let failure = bookings_query(query).expect_err("not acceptable");
            assert_eq!(failure.code(), Code::ValidationFailed, "{query}");
            failure.messages(texts::Language::English).len()
        };
        for (query, count) in [
            ("", 2),
            ("salonId=s1", 1),
            ("appointmentId=a", 1),
            ("salonId=&appointmentId=a", 1),
            ("salonId=s1&salonId=s2&appointmentId=a", 1),
            ("salonId=a%20b&appointmentId=..%2F1", 2),
            ("salonId=s1&appointmentId=a&appointmentId=", 1),
            (&many(101), 1),
        ] {
            assert_eq!(reasons(query), count, "{query}");
        }
    }

    #[test]
    fn a_conversation_cursor_is_read_as_it_is_written_and_nothing_else_is() {
        let cursor = ConversationCursor {
            last_message_at: Timestamp::from_millis(1_767_605_400_000).expect("in range"),
            id: ConversationId::parse("0198-a_b").expect("a good id"),
        };
        assert_eq!(parse_conversation_cursor(&encode_conversation_cursor(&cursor)), Some(cursor));
        for bad in ["", "c", "c1", "c1-", "c-1-a", "c1-a b", "c1-é", "c99999999999999999-a", "m1"]
        {
            assert_eq!(parse_conversation_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_message_cursor_is_read_as_it_is_written_and_nothing_else_is() {
        let cursor = MessageCursor(Seq::new(41).expect("not negative"));
        assert_eq!(parse_message_cursor(&encode_message_cursor(&cursor)), Some(cursor));
        for bad in ["", "m", "41", "m-1", "m+1", "m 1", "m1.0", "m99999999999999999999", "c1-a"] {
            assert_eq!(parse_message_cursor(bad), None, "{bad}");
        }
    }
}
