//! What the conversation about a booking is called.

use super::Service;
use crate::{text::Subject, time::Timestamp, zone::Zone};

const SERVICES: [Service; 4] =
    [Service::Project, Service::Tattoo, Service::Piercing, Service::Retouch];

/// The subject of the conversation about a booking: `RDV Tatouage - 05/01/2026`, by the salon's
/// clock.
pub fn generated_subject(service: Service, starts_at: Timestamp, zone: &Zone) -> Subject {
    Subject::of_ours(format!("{}{}", beginning(service), zone.day(starts_at)))
}

/// Whether `subject` is one of [`generated_subject`], of any service and any day: not somebody's own
/// words.
pub fn is_generated(subject: &Subject) -> bool {
    let text = subject.as_str();
    SERVICES.into_iter().any(|service| text.strip_prefix(&beginning(service)).is_some_and(is_day))
}

fn beginning(service: Service) -> String {
    format!("RDV {} - ", service.label())
}

/// Whether `text` has the form `05/01/2026`.
fn is_day(text: &str) -> bool {
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('/');
    let lengths = [2, 2, 4];
    lengths.into_iter().all(|length| parts.next().is_some_and(|part| digits(part, length)))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_is_called_by_its_service_and_its_day_there() {
        let late = Timestamp::parse("2026-01-05T23:30:00.000Z").expect("a time");
        let names = [
            (Service::Project, "RDV Projet tatouage - 06/01/2026"),
            (Service::Tattoo, "RDV Tatouage - 06/01/2026"),
            (Service::Piercing, "RDV Piercing - 06/01/2026"),
            (Service::Retouch, "RDV Retouche - 06/01/2026"),
        ];
        for (service, name) in names {
            let subject = generated_subject(service, late, &Zone::default());
            assert_eq!(subject.as_str(), name);
            assert!(is_generated(&subject), "{name}");
        }
    }

    #[test]
    fn what_somebody_wrote_is_not_ours() {
        for own in [
            "Bras",
            "RDV Tatouage",
            "RDV Tatouage - demain",
            "RDV Tatouage - 05/01/2026 !",
            "RDV Tatouage - 05/01/2026/",
            "RDV Massage - 05/01/2026",
            "rdv Tatouage - 05/01/2026",
        ] {
            assert!(!is_generated(&Subject::open(own).expect("it fits")), "{own}");
        }
    }
}
