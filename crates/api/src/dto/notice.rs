use domain::appointments::notice;
use serde::Serialize;
use utoipa::ToSchema;

/// What the platform means by a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened to the booking: `booked`, `requested`, `auto-confirmed`, `confirmed`,
    /// `rescheduled` or `cancelled`; or to the conversation: `archived-for-age`.
    #[schema(example = "rescheduled")]
    pub kind: &'static str,
    /// Whom it greets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_name: Option<String>,
    /// When a booking that was moved was to begin, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub from: Option<String>,
    /// When a booking that was moved begins now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub to: Option<String>,
    /// Where a booking that was moved takes place (IANA).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Paris", nullable = false)]
    pub time_zone: Option<String>,
    /// For how many days nothing was said in a conversation that was archived for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 90, nullable = false)]
    pub days: Option<u32>,
}

impl From<&notice::Notice> for Notice {
    fn from(notice: &notice::Notice) -> Self {
        let said = Self {
            kind: notice.kind(),
            first_name: notice.first_name().map(|name| name.as_str().to_owned()),
            from: None,
            to: None,
            time_zone: None,
            days: None,
        };
        match notice {
            notice::Notice::Rescheduled { from, to, zone } => Self {
                from: from.map(|from| from.to_string()),
                to: Some(to.to_string()),
                time_zone: Some(zone.as_str().to_owned()),
                ..said
            },
            notice::Notice::ArchivedForAge { days } => Self { days: Some(*days), ..said },
            _ => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        appointments::notice::FirstName,
        time::{Timestamp, Zone},
    };
    use serde_json::json;

    use super::*;

    fn shown(notice: &notice::Notice) -> serde_json::Value {
        serde_json::to_value(Notice::from(notice)).expect("serialises")
    }

    #[test]
    fn a_front_end_is_told_what_is_meant_and_what_is_not_known_is_left_out() {
        let first_name = FirstName::parse("Camille");
        let booked = notice::Notice::Booked { first_name };
        assert_eq!(shown(&booked), json!({"kind": "booked", "firstName": "Camille"}));
        let moved = notice::Notice::Rescheduled {
            from: None,
            to: Timestamp::UNIX_EPOCH,
            zone: Zone::parse("Europe/Paris").expect("a zone"),
        };
        assert_eq!(
            shown(&moved),
            json!({"kind": "rescheduled", "to": "1970-01-01T00:00:00.000Z", "timeZone": "Europe/Paris"})
        );
        assert_eq!(shown(&notice::Notice::Cancelled), json!({"kind": "cancelled"}));
        let aged = notice::Notice::ArchivedForAge { days: 90 };
        assert_eq!(shown(&aged), json!({"kind": "archived-for-age", "days": 90}));
    }
}
