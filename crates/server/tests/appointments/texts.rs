//! One report of each kind, and the exact texts that both sides find.

use serde_json::Value;
use testkit::{
    Fault, appointment::Report, database, fault::same, person::Person, test_app::TestApp,
};

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, both_known, conversations, service};

const CONFIRMED: &str = "Bonjour Camille, votre rendez-vous a été confirmé ! N'hésitez pas à nous contacter pour toute question.";
const REQUESTED: &str = "Bonjour Camille, Votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question.";
const AUTO_CONFIRMED: &str = "Bonjour Camille, Votre rendez-vous a été confirmé automatiquement ! N'hésitez pas à nous contacter pour toute question.";
const MOVED: &str = "Votre rendez-vous du 04/01/2026 à 10:30 a été déplacé au 05/01/2026 à 10:30.";
const CANCELLED: &str = "Ce rendez-vous a été annulé.";

/// Of each kind: what is said, and how the conversation stands afterwards.
const TABLE: [(&str, Option<(&str, &str)>); 8] = [
    ("booked", Some((CONFIRMED, "ACTIVE"))),
    ("requested", Some((REQUESTED, "ACTIVE"))),
    ("auto-confirmed", Some((AUTO_CONFIRMED, "ACTIVE"))),
    ("confirmed", Some((CONFIRMED, "ACTIVE"))),
    ("rescheduled", Some((MOVED, "ACTIVE"))),
    ("cancelled", Some((CANCELLED, "ARCHIVED"))),
    ("completed", None),
    ("no-show", None),
];

#[tokio::test]
async fn each_kind_of_report_says_its_text_to_the_letter() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    both_known(&app).await?;
    let service = service(&app)?;
    for (kind, _) in TABLE {
        let report = Report::new(kind, &format!("appointment-{kind}"), SALON, CLIENT)
            .with("previousStartsAt", "2026-01-04T09:30:00.000Z");
        report.send(&service).await?.expect(202)?;
    }
    all_handled(&app).await?;

    let client = app.rest(&Person::new(CLIENT, "client"))?;
    let mut found = conversations(&client).await?;
    for (kind, expected) in TABLE {
        let about = Value::from(format!("appointment-{kind}"));
        let at = found.iter().position(|(conversation, _)| conversation["appointmentId"] == about);
        let found = at.map(|at| found.swap_remove(at));
        match (expected, found) {
            (None, None) => {}
            (Some((text, status)), Some((conversation, messages))) => {
                same("the subject", &conversation["subject"], &"RDV Tatouage - 05/01/2026".into())?;
                same("the status", &conversation["status"], &status.into())?;
                let [message] = messages.as_slice() else {
                    return Err(Fault::new(format!("{kind}: {} messages", messages.len())));
                };
                same("the text", &message["content"], &text.into())?;
                same("the kind of message", &message["type"], &"SYSTEM".into())?;
                same("who says it", &message["sender"]["id"], &SALON.into())?;
                same("what it means", &message["system"]["kind"], &kind.into())?;
            }
            (_, found) => return Err(Fault::new(format!("{kind}: {found:?}"))),
        }
    }
    same("further conversations", found.len(), 0)
}

#[tokio::test]
async fn a_booking_lives_in_one_conversation_from_the_request_to_the_end() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    both_known(&app).await?;
    let service = service(&app)?;
    let booking = database::id("appointment");
    let life = ["requested", "confirmed", "rescheduled", "completed"];
    for (day, kind) in life.into_iter().enumerate() {
        let report = Report::new(kind, &booking, SALON, CLIENT)
            .with("previousStartsAt", "2026-01-04T09:30:00.000Z")
            .with("occurredAt", format!("2025-12-0{}T08:00:00.000Z", day + 1));
        report.send(&service).await?.expect(202)?;
        all_handled(&app).await?;
    }
    let client = app.rest(&Person::new(CLIENT, "client"))?;
    let found = conversations(&client).await?;
    let [(_, messages)] = found.as_slice() else {
        return Err(Fault::new(format!("{} conversations", found.len())));
    };
    let texts: Vec<_> = messages.iter().filter_map(|message| message["content"].as_str()).collect();
    same("what was said", texts, vec![REQUESTED, CONFIRMED, MOVED])
}

#[tokio::test]
async fn a_report_about_people_nobody_knows_waits_for_them() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    let service = service(&app)?;
    let report = Report::new("booked", &database::id("appointment"), SALON, CLIENT);
    let taken = report.send(&service).await?.expect(202)?;
    same("the state", &taken["state"], &"stored".into())?;
    both_known(&app).await?;
    all_handled(&app).await?;
    let client = app.rest(&Person::new(CLIENT, "client"))?;
    same("conversations", conversations(&client).await?.len(), 1)
}
