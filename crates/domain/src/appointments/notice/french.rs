//! The notices in French, exactly as users know them: also the capital after the name.

use super::{FirstName, Notice};

const CLOSING: &str = "N'hésitez pas à nous contacter pour toute question.";

pub(super) fn text(notice: &Notice) -> String {
    match notice {
        Notice::Booked { first_name } | Notice::Confirmed { first_name } => {
            with_greeting(first_name.as_ref(), "v", "otre rendez-vous a été confirmé !")
        }
        Notice::Requested { first_name } => with_greeting(
            first_name.as_ref(),
            "V",
            "otre demande de rendez-vous a bien été enregistrée et est en attente de \
             confirmation par le salon.",
        ),
        Notice::AutoConfirmed { first_name } => with_greeting(
            first_name.as_ref(),
            "V",
            "otre rendez-vous a été confirmé automatiquement !",
        ),
        Notice::Rescheduled { from, to, zone } => {
            let moment = |time| format!("{} à {}", zone.day(time), zone.minute(time));
            let to = moment(*to);
            match from.map(moment) {
                Some(from) => format!("Votre rendez-vous du {from} a été déplacé au {to}."),
                None => format!("Votre rendez-vous a été déplacé au {to}."),
            }
        }
        Notice::Cancelled => "Ce rendez-vous a été annulé.".to_owned(),
        Notice::ArchivedForAge { days } => {
            let unit = if *days == 1 { "jour" } else { "jours" };
            format!(
                "Cette conversation a été archivée automatiquement : aucun message depuis {days} {unit}."
            )
        }
    }
}

/// `initial` starts the sentence after a name; without a name it continues in lower case.
fn with_greeting(name: Option<&FirstName>, initial: &str, sentence: &str) -> String {
    match name {
        Some(name) => format!("Bonjour {}, {initial}{sentence} {CLOSING}", name.as_str()),
        None => format!("Bonjour, v{sentence} {CLOSING}"),
    }
}
