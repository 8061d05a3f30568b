use domain::{
    appointments::{AppointmentEvent, AppointmentEventKind, Service, notice::FirstName},
    ids::{AppointmentEventId, AppointmentId, ConversationId, InvalidId, UserId},
    time::Timestamp,
};

use super::{
    fields::{Field, Fields, ValidationErrors},
    participant::{text, zone},
};
use crate::{error::Failure, texts};

/// 9999-01-01T00:00:00Z in milliseconds; earlier years have four digits in every time zone.
const TIME_END_MILLIS: i64 = 253_370_764_800_000;

/// Parses a booking event.
///
/// # Errors
/// A validation failure with every error.
pub fn appointment_event(fields: &Fields) -> Result<AppointmentEvent, Failure> {
    let mut reasons = ValidationErrors::default();
    let event = event(fields, &mut reasons);
    reasons.into_result(event)
}

/// Parses all fields before checking for missing ones, so that every error is reported.
fn event(fields: &Fields, reasons: &mut ValidationErrors) -> Option<AppointmentEvent> {
    let id = id(fields, "eventId", AppointmentEventId::parse, reasons);
    let kind = kind(fields, reasons);
    let appointment = self::id(fields, "appointmentId", AppointmentId::parse, reasons);
    let salon = self::id(fields, "salonId", UserId::parse, reasons);
    let client = self::id(fields, "clientUserId", UserId::parse, reasons);
    let service = service(fields, reasons);
    let starts_at = time(fields, "startsAt", reasons);
    let previous_starts_at = match Field::of(fields, "previousStartsAt") {
        Field::Nothing => None,
        Field::Text(_) | Field::Else => time(fields, "previousStartsAt", reasons),
    };
    let first_name = text(fields, "clientFirstName", reasons).and_then(|name| {
        let name = FirstName::parse(name).map(|name| name.as_str().to_owned());
        reasons.note(name.ok_or(()), |()| texts::not_a_name("clientFirstName"))
    });
    let zone = zone(fields, reasons);
    let occurred_at = time(fields, "occurredAt", reasons);
    let conversation = match Field::of(fields, "conversationId") {
        Field::Nothing => None,
        Field::Text(_) | Field::Else => {
            self::id(fields, "conversationId", ConversationId::parse, reasons)
        }
    };
    Some(AppointmentEvent {
        id: id?,
        appointment: appointment?,
        salon: salon?,
        client: client?,
        kind: kind?,
        service: service?,
        starts_at: starts_at?,
        previous_starts_at,
        client_first_name: first_name,
        zone,
        occurred_at: occurred_at?,
        conversation,
    })
}

fn id<T>(
    fields: &Fields,
    field: &str,
    parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    reasons: &mut ValidationErrors,
) -> Option<T> {
    let id = match Field::of(fields, field) {
        Field::Text(text) => parse(text),
        Field::Nothing | Field::Else => Err(InvalidId),
    };
    reasons.note(id, |_| texts::not_an_id(field))
}

fn kind(fields: &Fields, reasons: &mut ValidationErrors) -> Option<AppointmentEventKind> {
    let kind = word(fields, "kind").and_then(AppointmentEventKind::parse);
    reasons.note(kind.ok_or(()), |()| texts::kind_words())
}

fn service(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Service> {
    let service = word(fields, "service").and_then(Service::parse);
    reasons.note(service.ok_or(()), |()| texts::SERVICE_WORDS)
}

pub(super) fn time(
    fields: &Fields,
    field: &str,
    reasons: &mut ValidationErrors,
) -> Option<Timestamp> {
    let time = word(fields, field).and_then(Timestamp::parse);
    let time = time.filter(|time| (0..TIME_END_MILLIS).contains(&time.as_millis()));
    reasons.note(time.ok_or(()), |()| texts::not_a_time(field))
}

fn word<'a>(fields: &'a Fields, field: &str) -> Option<&'a str> {
    match Field::of(fields, field) {
        Field::Text(text) => Some(text),
        Field::Nothing | Field::Else => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::texts::Language;

    fn good() -> Value {
        json!({
            "eventId": "e-1",
            "kind": "rescheduled",
            "appointmentId": "a1",
            "salonId": "s1",
            "clientUserId": "c1",
            "service": "TATTOO",
            "startsAt": "2026-02-03T14:30:00+01:00",
            "previousStartsAt": "2026-02-01T09:00:00Z",
            "clientFirstName": "Camille",
            "timeZone": "Europe/Paris",
            "occurredAt": "2026-01-05T09:30:00.123456Z",
            "conversationId": "clx1conversation",
        })
    }

    fn read(value: &Value) -> Result<AppointmentEvent, Failure> {
        appointment_event(value.as_object().expect("an object"))
    }

    fn reasons(value: &Value) -> Vec<String> {
        let failure = read(value).expect_err("not acceptable");
        failure.messages(Language::English).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn an_event_is_read_with_its_times_as_points_in_time() {
        let event = read(&good()).expect("acceptable");
        assert_eq!(event.starts_at.to_string(), "2026-02-03T13:30:00.000Z");
        assert_eq!(event.occurred_at.to_string(), "2026-01-05T09:30:00.123Z");
        assert_eq!(event.kind, AppointmentEventKind::Rescheduled);
        assert_eq!(event.client_first_name.as_deref(), Some("Camille"));
        assert_eq!(event.conversation, ConversationId::parse("clx1conversation").ok());
    }

    #[test]
    fn optional_fields_may_be_absent_or_blank() {
        let mut value = good();
        for field in ["previousStartsAt", "clientFirstName", "timeZone", "conversationId"] {
            value[field] = Value::Null;
        }
        let event = read(&value).expect("acceptable");
        assert_eq!((event.previous_starts_at, event.zone, event.conversation), (None, None, None));
        value["clientFirstName"] = json!(" ");
        assert_eq!(read(&value).expect("acceptable").client_first_name, None);
        value["clientFirstName"] = json!("Ca\u{7}mille\u{b}Anne");
        let event = read(&value).expect("acceptable");
        assert_eq!(event.client_first_name.as_deref(), Some("Camille Anne"));
    }

    #[test]
    fn each_validation_error_names_its_field() {
        let table = [
            ("eventId", json!("a b")),
            ("eventId", json!("x".repeat(65))),
            ("kind", json!("born")),
            ("kind", json!("Booked")),
            ("appointmentId", json!("../1")),
            ("salonId", json!(7)),
            ("clientUserId", json!(null)),
            ("service", json!("HAIRCUT")),
            ("startsAt", json!("2026-02-03")),
            ("startsAt", json!("2026-02-30T10:00:00Z")),
            ("startsAt", json!("2026-02-03T14:30:00")),
            ("startsAt", json!(1_767_605_400)),
            ("startsAt", json!("1969-12-31T23:59:59Z")),
            ("startsAt", json!("9999-01-01T00:00:00Z")),
            ("previousStartsAt", json!("soon")),
            ("clientFirstName", json!("x".repeat(10_000))),
            ("clientFirstName", json!(["Camille"])),
            ("timeZone", json!("Europe/Atlantis")),
            ("timeZone", json!(1)),
            ("occurredAt", json!("")),
            ("conversationId", json!("")),
            ("conversationId", json!("a b")),
            ("conversationId", json!("../1")),
            ("conversationId", json!(7)),
            ("conversationId", json!("x".repeat(65))),
        ];
        for (field, value) in table {
            let mut event = good();
            event[field] = value.clone();
            let reasons = reasons(&event);
            assert!(
                reasons.len() == 1 && reasons[0].starts_with(field),
                "{field} {value}: {reasons:?}"
            );
        }
    }

    #[test]
    fn every_missing_required_field_is_reported_once() {
        let reasons = reasons(&json!({}));
        let fields: Vec<_> = reasons.iter().filter_map(|text| text.split(' ').next()).collect();
        assert_eq!(
            fields,
            [
                "eventId",
                "kind",
                "appointmentId",
                "salonId",
                "clientUserId",
                "service",
                "startsAt",
                "occurredAt"
            ]
        );
    }
}
