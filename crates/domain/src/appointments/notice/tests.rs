use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{participant::NAME_MAX_CHARS, text::CONTENT_MAX_CHARS};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn notices(name: Option<&str>) -> Vec<Notice> {
    let first_name = name.map(|name| FirstName::parse(name).expect("a name"));
    let zone = Zone::parse("Europe/Paris").expect("a zone");
    let to = at("2026-03-29T12:30:00.000Z");
    vec![
        Notice::Booked { first_name: first_name.clone() },
        Notice::Requested { first_name: first_name.clone() },
        Notice::AutoConfirmed { first_name: first_name.clone() },
        Notice::Confirmed { first_name },
        // Daylight saving time begins between the two in Paris.
        Notice::Rescheduled { from: Some(at("2026-03-28T23:30:00.000Z")), to, zone: zone.clone() },
        Notice::Rescheduled { from: None, to, zone },
        Notice::Cancelled,
        Notice::ArchivedForAge { days: 90 },
    ]
}

fn texts(name: Option<&str>, language: Language) -> Vec<String> {
    notices(name).iter().map(|notice| notice.text(language).as_str().to_owned()).collect()
}

#[test]
fn a_notice_has_its_exact_french_text() {
    assert_eq!(
        texts(Some("Léa"), Language::French),
        [
            "Bonjour Léa, votre rendez-vous a été confirmé ! N'hésitez pas à nous contacter pour toute question.",
            "Bonjour Léa, Votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question.",
            "Bonjour Léa, Votre rendez-vous a été confirmé automatiquement ! N'hésitez pas à nous contacter pour toute question.",
            "Bonjour Léa, votre rendez-vous a été confirmé ! N'hésitez pas à nous contacter pour toute question.",
            "Votre rendez-vous du 29/03/2026 à 00:30 a été déplacé au 29/03/2026 à 14:30.",
            "Votre rendez-vous a été déplacé au 29/03/2026 à 14:30.",
            "Ce rendez-vous a été annulé.",
            "Cette conversation a été archivée automatiquement : aucun message depuis 90 jours.",
        ]
    );
}

#[test]
fn somebody_without_a_name_is_greeted_without_one() {
    let french = texts(None, Language::French);
    assert_eq!(
        french[1],
        "Bonjour, votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question."
    );
    assert!(french[..4].iter().all(|text| text.starts_with("Bonjour, votre ")), "{french:?}");
    let english = texts(None, Language::English);
    assert!(english[..4].iter().all(|text| text.starts_with("Hello, your ")), "{english:?}");
}

#[test]
fn a_notice_has_an_english_text() {
    let english = texts(Some("Léa"), Language::English);
    assert!(english[..4].iter().all(|text| text.starts_with("Hello Léa, your ")), "{english:?}");
    assert_eq!(
        english[4],
        "Your appointment of 29/03/2026 at 00:30 has been moved to 29/03/2026 at 14:30."
    );
    assert_eq!(english[6], "This appointment has been cancelled.");
    assert_eq!(
        english[7],
        "This conversation has been archived automatically: no message for 90 days."
    );
    let a_day = Notice::ArchivedForAge { days: 1 };
    assert!(a_day.text(Language::English).as_str().ends_with(" 1 day."));
    assert!(a_day.text(Language::French).as_str().ends_with(" 1 jour."));
}

#[test]
fn a_notice_is_read_as_it_is_written() {
    for notice in notices(Some("Léa")).into_iter().chain(notices(None)) {
        let fields: HashMap<_, _> = notice.fields().into_iter().collect();
        let read = Notice::from_fields(notice.kind(), |name| fields.get(name).map(String::as_str));
        assert_eq!(read, Some(notice));
    }
    let moved = |to, zone| {
        let fields = HashMap::from([("to", to), ("zone", zone)]);
        Notice::from_fields("rescheduled", |name| fields.get(name).copied())
    };
    assert!(moved("2026-03-29T12:30:00.000Z", "Europe/Paris").is_some());
    assert_eq!(moved("2026-03-29T12:30:00.000Z", "Europe/Atlantis"), None);
    assert_eq!(moved("tomorrow", "Europe/Paris"), None);
    assert_eq!(Notice::from_fields("danced", |_| None), None);
    assert_eq!(Notice::from_fields("booked", |_| Some("\u{200b}")), None);
}

#[test]
fn a_notice_without_a_name_names_nobody() {
    for notice in notices(Some("Zoé")) {
        let bare = notice.without_name();
        assert_eq!((bare.kind(), bare.first_name()), (notice.kind(), None));
        assert!(!bare.text(Language::French).as_str().contains("Zoé"));
        assert!(!format!("{notice:?}").contains("Zoé"));
    }
}

proptest! {
    /// Why [`Notice::text`] needs no error: with any name the text fits a message.
    #[test]
    fn a_notice_fits_a_message_whatever_the_name(name in any::<String>(), filler in any::<char>()) {
        let longest: String = std::iter::repeat_n(filler, NAME_MAX_CHARS).collect();
        for name in [FirstName::parse(&name), FirstName::parse(&longest)] {
            for language in [Language::French, Language::English] {
                let notice = Notice::Requested { first_name: name.clone() };
                let text = notice.text(language).as_str().to_owned();
                prop_assert!(text.chars().count() <= CONTENT_MAX_CHARS);
                prop_assert!(Content::parse(text).is_ok());
            }
        }
    }
}
