//! Converts conversations.

use std::collections::HashSet;

use domain::{
    conversation::{Horizons, Parties, Side, Status},
    ids::{AppointmentId, ConversationId, MessageId, Seq, UserId},
    import::{ImportedConversation, ImportedMessage, Refusal},
    time::Timestamp,
};

use super::{
    Findings, ImportedKind, Repair, message,
    rows::{LegacyConversation, LegacyCounter, LegacyMessage, LegacyTime, Raw},
    text,
};

/// How much `lastMessageAt` may differ from the time of the newest message, in milliseconds: the legacy system wrote
/// it a moment after the message.
const LAST_MESSAGE_TOLERANCE_MS: i64 = 60_000;

/// Converts a conversation; `None` if it is refused. Messages are ordered by `createdAt`, then by `id`, byte by byte:
/// the legacy system had no other order.
pub(crate) fn conversation(
    legacy: LegacyConversation,
    findings: &mut Findings,
) -> Option<ImportedConversation> {
    let (id, parties) = match id_and_parties(&legacy) {
        Ok(found) => found,
        Err(reason) => {
            findings.refuse(ImportedKind::Conversation, &legacy.id.0, reason);
            return None;
        }
    };
    let Some(created_at) = opened_at(&legacy) else {
        findings.refuse(ImportedKind::Conversation, &legacy.id.0, Refusal::ImpossibleDate);
        return None;
    };
    let updated_at = legacy.updated_at.known().unwrap_or(created_at);
    refuse_dates(&legacy, findings);
    let (messages, flags) = messages(legacy.messages, &parties, findings);
    let horizons = horizons(&flags, findings);
    compare_counters(&legacy.counters, &parties, &messages, &horizons, findings);
    let last_message_at = messages.last().map_or(created_at, |newest| newest.created_at);
    let claimed = legacy.last_message_at.known();
    let off_by_ms = claimed.map(|claimed| claimed.as_millis() - last_message_at.as_millis());
    if off_by_ms.is_some_and(|off_by_ms| off_by_ms.abs() > LAST_MESSAGE_TOLERANCE_MS) {
        findings.repaired(Repair::LastMessageTimeCorrected);
    }
    Some(ImportedConversation {
        id,
        parties,
        appointment: appointment(legacy.appointment.as_ref(), findings),
        subject: text::subject(legacy.subject.as_ref(), findings),
        status: status(&legacy.status, findings),
        created_at,
        updated_at,
        last_message_at,
        last_seq: messages.last().map_or(Seq::ZERO.next(), |newest| newest.seq),
        horizons,
        messages,
    })
}

/// `createdAt`; if that is impossible, the oldest other time of the conversation. `None` without any.
fn opened_at(legacy: &LegacyConversation) -> Option<Timestamp> {
    let messages = legacy.messages.iter().map(|it| it.created_at);
    let others = messages.chain([legacy.updated_at, legacy.last_message_at]);
    legacy.created_at.known().or_else(|| others.filter_map(LegacyTime::known).min())
}

fn refuse_dates(legacy: &LegacyConversation, findings: &mut Findings) {
    let dates = [
        ("createdAt", legacy.created_at),
        ("updatedAt", legacy.updated_at),
        ("lastMessageAt", legacy.last_message_at),
    ];
    for (column, _) in dates.iter().filter(|(_, date)| *date == LegacyTime::Impossible) {
        findings.refuse_date(&legacy.id.0, column);
    }
}

fn id_and_parties(legacy: &LegacyConversation) -> Result<(ConversationId, Parties), Refusal> {
    let user = |raw: &Raw| UserId::parse(&raw.0).map_err(|_| Refusal::InvalidId);
    let id = ConversationId::parse(&legacy.id.0).map_err(|_| Refusal::InvalidId)?;
    let parties = Parties { salon: user(&legacy.salon)?, client: user(&legacy.client)? };
    if parties.salon == parties.client {
        return Err(Refusal::SidesAreTheSame);
    }
    Ok((id, parties))
}

fn messages(
    mut legacy: Vec<LegacyMessage>,
    parties: &Parties,
    findings: &mut Findings,
) -> (Vec<ImportedMessage>, Vec<ReadFlag>) {
    let sent_at = |it: &LegacyMessage| it.created_at.known();
    legacy.sort_unstable_by(|a, b| (sent_at(a), &a.id.0).cmp(&(sent_at(b), &b.id.0)));
    let (mut messages, mut flags) = (Vec::with_capacity(legacy.len()), Vec::new());
    let mut ids: HashSet<MessageId> = HashSet::with_capacity(legacy.len());
    let mut seq = Seq::ZERO.next();
    for legacy in &legacy {
        let Some(side) = side_of(&legacy.sender, parties) else {
            findings.refuse(ImportedKind::Message, &legacy.id.0, Refusal::AuthorTakesNoPart);
            continue;
        };
        let parts = message::messages(legacy, side, seq, findings);
        if parts.iter().any(|part| ids.contains(&part.id)) {
            findings.refuse(ImportedKind::Message, &legacy.id.0, Refusal::IdTwice);
            continue;
        }
        if let Some(last) = parts.last() {
            seq = last.seq;
            flags.push(ReadFlag { side, seq, is_read: legacy.is_read });
        }
        ids.extend(parts.iter().map(|part| part.id.clone()));
        messages.extend(parts);
    }
    (messages, flags)
}

fn side_of(sender: &Raw, parties: &Parties) -> Option<Side> {
    parties.side_of(&UserId::parse(&sender.0).ok()?)
}

fn appointment(raw: Option<&Raw>, findings: &mut Findings) -> Option<AppointmentId> {
    let id = AppointmentId::parse(&raw?.0).ok();
    findings.repaired_times(Repair::AppointmentDropped, u64::from(id.is_none()));
    id
}

fn status(word: &str, findings: &mut Findings) -> Status {
    Status::parse(word).unwrap_or_else(|| {
        findings.repaired(Repair::StatusUnknown);
        Status::Active
    })
}

// Read horizons, from the flags of the messages.

/// The `isRead` flag of a message.
struct ReadFlag {
    side: Side,
    /// The position of the last message that it was split into.
    seq: Seq,
    is_read: bool,
}

/// The horizons: the newest message of the other side that is marked read. The legacy system marked only the page that
/// it showed, so older messages may still be marked unread; they count as read.
fn horizons(flags: &[ReadFlag], findings: &mut Findings) -> Horizons {
    let mut horizons = Horizons::default();
    for read in flags.iter().filter(|flag| flag.is_read) {
        horizons.advance(read.side.other(), read.seq);
    }
    let below = |flag: &&ReadFlag| !flag.is_read && horizons.has_read(flag.side, flag.seq);
    let below = flags.iter().filter(below).count();
    findings.repaired_times(Repair::ReadBelowHorizon, below as u64);
    horizons
}

/// Compares the counters with the number of unread messages, and counts those that differ. Ours are derived.
fn compare_counters(
    counters: &[LegacyCounter],
    parties: &Parties,
    messages: &[ImportedMessage],
    horizons: &Horizons,
    findings: &mut Findings,
) {
    for side in [Side::Salon, Side::Client] {
        let is_unread = |it: &&ImportedMessage| it.side != side && it.seq > horizons.of(side);
        let unread = messages.iter().filter(is_unread).count();
        let of_side = counters.iter().filter(|it| it.reader.0 == parties.on(side).as_str());
        let claimed: i64 = of_side.map(|it| it.unread).sum();
        if usize::try_from(claimed) != Ok(unread) {
            findings.repaired(Repair::CounterDrifted);
        }
    }
    let known = [parties.salon.as_str(), parties.client.as_str()];
    let strangers = counters.iter().filter(|it| !known.contains(&it.reader.0.as_str())).count();
    findings.repaired_times(Repair::CounterOfStranger, strangers as u64);
}

#[cfg(test)]
mod tests {
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
        unconverted.counters =
            vec![counter("client", 2), counter("salon", 1), counter("stranger", 7)];
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
        let reasons: Vec<_> =
            findings.refused.iter().map(|it| (it.id.as_str(), it.reason)).collect();
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
}
