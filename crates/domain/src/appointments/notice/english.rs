//! The notices in English.

use super::{FirstName, Notice};

const CLOSING: &str = "Do not hesitate to contact us with any question.";

pub(super) fn text(notice: &Notice) -> String {
    match notice {
        Notice::Booked { first_name } | Notice::Confirmed { first_name } => {
            with_greeting(first_name.as_ref(), "your appointment is confirmed!")
        }
        Notice::Requested { first_name } => with_greeting(
            first_name.as_ref(),
            "your request for an appointment has been received and awaits the salon's confirmation.",
        ),
        Notice::AutoConfirmed { first_name } => {
            with_greeting(first_name.as_ref(), "your appointment was confirmed automatically!")
        }
        Notice::Rescheduled { from, to, zone } => {
            let moment = |time| format!("{} at {}", zone.day(time), zone.minute(time));
            let to = moment(*to);
            match from.map(moment) {
                Some(from) => format!("Your appointment of {from} has been moved to {to}."),
                None => format!("Your appointment has been moved to {to}."),
            }
        }
        Notice::Cancelled => "This appointment has been cancelled.".to_owned(),
        Notice::ArchivedForAge { days } => {
            let unit = if *days == 1 { "day" } else { "days" };
            format!(
                "This conversation has been archived automatically: no message for {days} {unit}."
            )
        }
    }
}

fn with_greeting(name: Option<&FirstName>, sentence: &str) -> String {
    match name {
        Some(name) => format!("Hello {}, {sentence} {CLOSING}", name.as_str()),
        None => format!("Hello, {sentence} {CLOSING}"),
    }
}
