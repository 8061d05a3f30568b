//! How conversations are converted.

use domain::{conversation::attachment::ATTACHMENTS_MAX, text::CONTENT_MAX_CHARS};

use super::*;
use crate::legacy::{LOST_FILE_TEXT, rows::LegacyFile};

fn raw(text: &str) -> Raw {
    Raw(text.to_owned())
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).expect("in range")
}

fn message(id: &str, sender: &str, content: &str, millis: i64, is_read: bool) -> LegacyMessage {
    LegacyMessage {
        id: raw(id),
        sender: raw(sender),
        content: raw(content),
        kind: "TEXT".to_owned(),
        is_read,
        read_at: Some(LegacyTime::At(at(millis + 1))),
        is_archived: false,
        created_at: LegacyTime::At(at(millis)),
        files: vec![],
    }
}

fn legacy(messages: Vec<LegacyMessage>) -> LegacyConversation {
    LegacyConversation {
        id: raw("c1"),
        salon: raw("salon"),
        client: raw("client"),
        appointment: Some(raw("a1")),
        subject: Some(raw("RDV")),
        status: "ACTIVE".to_owned(),
        created_at: LegacyTime::At(at(0)),
        updated_at: LegacyTime::At(at(9)),
        last_message_at: LegacyTime::At(at(0)),
        messages,
        counters: vec![],
    }
}

fn picture(id: &str, url: &str) -> LegacyFile {
    LegacyFile {
        id: raw(id),
        name: raw("a.webp"),
        url: raw(url),
        media_type: "image/webp".to_owned(),
        size_bytes: 10,
        upload_key: None,
    }
}

fn converted(legacy: LegacyConversation) -> (ImportedConversation, Findings) {
    let mut findings = Findings::default();
    (conversation(legacy, &mut findings).expect("not refused"), findings)
}

#[test]
fn messages_are_in_the_order_of_time_and_then_of_their_ids() {
    let (conversation, _) = converted(legacy(vec![
        message("m3", "client", "c", 2, false),
        message("m2", "salon", "b", 1, false),
        message("m1", "client", "a", 1, false),
        message("M9", "salon", "?", 1, false),
    ]));
    let order: Vec<_> =
        conversation.messages.iter().map(|it| (it.id.as_str(), it.seq.get())).collect();
    assert_eq!(order, [("M9", 2), ("m1", 3), ("m2", 4), ("m3", 5)]);
    assert_eq!((conversation.last_seq.get(), conversation.last_message_at), (5, at(2)));
    assert_eq!(conversation.newest_of(Side::Salon).get(), 4);
}

#[test]
fn without_a_message_there_is_still_an_opening() {
    let (conversation, _) = converted(legacy(vec![]));
    assert_eq!((conversation.last_seq.get(), conversation.last_message_at), (1, at(0)));
    assert_eq!(conversation.newest_of(Side::Client), Seq::ZERO);
}

#[test]
fn a_horizon_is_the_newest_message_that_was_read_and_what_is_below_is_read_too() {
    let mut unconverted = legacy(vec![
        message("m1", "salon", "a", 1, false),
        message("m2", "salon", "b", 2, true),
        message("m3", "client", "c", 3, false),
        message("m4", "salon", "d", 4, false),
    ]);
    let counter = |reader, unread| LegacyCounter { reader: raw(reader), unread };
    unconverted.counters = vec![counter("client", 2), counter("salon", 1), counter("stranger", 7)];
    let (conversation, findings) = converted(unconverted);
    let horizons = conversation.horizons;
    assert_eq!((horizons.client.get(), horizons.salon), (3, Seq::ZERO));
    let read_at: Vec<_> = conversation.messages.iter().map(|it| it.read_at).collect();
    assert_eq!(read_at, [None, Some(at(3)), None, None]);
    let repairs = [
        (Repair::ReadBelowHorizon, 1),
        (Repair::CounterDrifted, 1),
        (Repair::CounterOfStranger, 1),
    ];
    assert_eq!(findings.repairs, repairs.into());
}

#[test]
fn a_text_longer_than_a_message_becomes_several_and_loses_nothing() {
    let text = "é".repeat(2 * CONTENT_MAX_CHARS + 1);
    let (conversation, findings) = converted(legacy(vec![
        message("m1", "salon", &text, 1, true),
        message("m2", "client", "oui", 2, false),
    ]));
    let ids: Vec<_> = conversation.messages.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["m1", "m1-2", "m1-3", "m2"]);
    let parts = conversation.messages[..3].iter().map(|it| it.content.as_str());
    assert_eq!(parts.collect::<String>(), text);
    assert_eq!(conversation.horizons.client.get(), 4, "all parts are read");
    assert_eq!(findings.repairs.get(&Repair::LongTextSplit), Some(&1));
}

#[test]
fn more_files_than_a_message_carries_become_several_messages() {
    let mut photos = message("m1", "client", "photos", 1, false);
    let file = |n| picture(&format!("f{n}"), "https://utfs.io/f/a");
    photos.files = (0..=ATTACHMENTS_MAX).map(file).collect();
    let (conversation, _) = converted(legacy(vec![photos]));
    let shown: Vec<_> =
        conversation.messages.iter().map(|it| (it.content.as_str(), it.files.len())).collect();
    assert_eq!(shown, [("photos", ATTACHMENTS_MAX), ("", 1)]);
}

#[test]
fn a_message_that_lost_its_file_says_so_or_keeps_its_text() {
    let mut without_text = message("m1", "client", "", 1, false);
    without_text.files = vec![picture("f1", "https://evil.example/a")];
    let mut with_text = message("m2", "client", "voilà", 2, false);
    with_text.files = vec![picture("f2", "http://utfs.io/f/a")];
    let (conversation, findings) = converted(legacy(vec![without_text, with_text]));
    let contents: Vec<_> = conversation.messages.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(contents, [LOST_FILE_TEXT, "voilà"]);
    assert_eq!(findings.refused.len(), 2);
    assert_eq!(findings.repairs.get(&Repair::LostFileNoted), Some(&1));
}

#[test]
fn what_cannot_be_a_message_is_named_and_the_others_stay() {
    let (conversation, findings) = converted(legacy(vec![
        message("m1", "admin", "a", 1, false),
        message("m2", "client", "", 2, false),
        message("m 3", "client", "c", 3, false),
        message("m4", "client", "d", 4, false),
        message("m4", "client", "e", 5, false),
    ]));
    assert_eq!(conversation.messages.len(), 1);
    let reasons: Vec<_> = findings.refused.iter().map(|it| (it.id.as_str(), it.reason)).collect();
    let expected = [
        ("m1", Refusal::AuthorTakesNoPart),
        ("m2", Refusal::SaysNothing),
        ("m?3", Refusal::InvalidId),
        ("m4", Refusal::IdTwice),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn a_conversation_needs_an_id_and_two_people() {
    let same = LegacyConversation { client: raw("salon"), ..legacy(vec![]) };
    let nameless = LegacyConversation { id: raw(""), ..legacy(vec![]) };
    for (legacy, reason) in [(same, Refusal::SidesAreTheSame), (nameless, Refusal::InvalidId)] {
        let mut findings = Findings::default();
        assert_eq!(conversation(legacy, &mut findings), None);
        assert_eq!(findings.refused[0].reason, reason);
    }
}
