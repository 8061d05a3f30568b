//! Notices as named texts, for stores and wires.

use super::{FirstName, Notice};
use crate::{time::Timestamp, zone::Zone};

const FIRST_NAME: &str = "first_name";
const FROM: &str = "from";
const TO: &str = "to";
const ZONE: &str = "zone";
const DAYS: &str = "days";

impl Notice {
    /// What it says beside its [`kind`](Self::kind), as named texts: `first_name`; `from` and `to`
    /// (ISO 8601, UTC) with `zone` (IANA); `days`. What is not known is left out.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        if let Self::Rescheduled { from, to, zone } = self {
            let from = from.map(|from| (FROM, from.to_string()));
            let rest = [(TO, to.to_string()), (ZONE, zone.as_str().to_owned())];
            return from.into_iter().chain(rest).collect();
        }
        if let Self::ArchivedForAge { days } = self {
            return vec![(DAYS, days.to_string())];
        }
        self.first_name().map(|name| (FIRST_NAME, name.as_str().to_owned())).into_iter().collect()
    }

    /// Reads what [`kind`](Self::kind) and [`fields`](Self::fields) said; `None` when it is no
    /// notice of ours.
    pub fn from_fields<'a>(kind: &str, field: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let first_name = match field(FIRST_NAME) {
            None => None,
            Some(name) => Some(FirstName::parse(name)?),
        };
        Some(match kind {
            "booked" => Self::Booked { first_name },
            "requested" => Self::Requested { first_name },
            "auto-confirmed" => Self::AutoConfirmed { first_name },
            "confirmed" => Self::Confirmed { first_name },
            "rescheduled" => Self::Rescheduled {
                from: match field(FROM) {
                    None => None,
                    Some(from) => Some(Timestamp::parse(from)?),
                },
                to: Timestamp::parse(field(TO)?)?,
                zone: Zone::parse(field(ZONE)?).ok()?,
            },
            "cancelled" => Self::Cancelled,
            "archived-for-age" => Self::ArchivedForAge { days: field(DAYS)?.parse().ok()? },
            _ => return None,
        })
    }
}
