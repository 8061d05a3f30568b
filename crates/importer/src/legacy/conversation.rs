//! Converts conversations.

#[cfg(test)]
mod tests;

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
