//! What the platform says, as data: one object of texts, its kind among them.

use domain::appointments::notice::Notice;
use serde_json::{Map, Value};

const KIND: &str = "kind";

/// `notice` as it is stored.
pub(crate) fn notice_as_json(notice: &Notice) -> Value {
    let kind = (KIND.to_owned(), Value::from(notice.kind()));
    let fields = notice.fields().into_iter().map(|(name, text)| (name.to_owned(), text.into()));
    Value::Object(std::iter::once(kind).chain(fields).collect::<Map<_, _>>())
}

/// The notice that `stored` spells; `None` when it is none of ours.
pub(crate) fn notice(stored: &Value) -> Option<Notice> {
    let text = |name: &str| stored.get(name).and_then(Value::as_str);
    Notice::from_fields(text(KIND)?, text)
}

#[cfg(test)]
mod tests {
    use domain::{
        appointments::notice::FirstName,
        time::{Timestamp, Zone},
    };

    use super::*;

    #[test]
    fn a_notice_is_read_as_it_is_written() {
        let notices = [
            Notice::Booked { first_name: FirstName::parse("Léa") },
            Notice::Confirmed { first_name: None },
            Notice::Rescheduled {
                from: Some(Timestamp::UNIX_EPOCH),
                to: Timestamp::UNIX_EPOCH,
                zone: Zone::parse("Europe/Paris").expect("a zone"),
            },
            Notice::Cancelled,
        ];
        for written in notices {
            assert_eq!(notice(&notice_as_json(&written)), Some(written));
        }
        assert_eq!(notice(&serde_json::json!({ "kind": "dance" })), None);
        assert_eq!(notice(&serde_json::json!([])), None);
    }
}
