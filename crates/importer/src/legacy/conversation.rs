//! Conversations of the former system.

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
    rows::{FormerTime, LegacyConversation, LegacyCounter, LegacyMessage, Raw},
    text,
};

/// How far the time of the newest message may be off, in milliseconds: the former system wrote it
/// a moment after the message.
const LAST_MESSAGE_TOLERANCE_MS: i64 = 60_000;

/// The conversation; `None`, and why, when our rules do not allow it. Its order is that of
/// `createdAt`, then `id`, byte by byte: the former system had no other.
pub(crate) fn conversation(
    former: LegacyConversation,
    findings: &mut Findings,
) -> Option<ImportedConversation> {
    let (id, parties) = match who(&former) {
        Ok(who) => who,
        Err(reason) => {
            findings.refuse(ImportedKind::Conversation, &former.id.0, reason);
            return None;
        }
    };
    let Some(created_at) = opened_at(&former) else {
        findings.refuse(ImportedKind::Conversation, &former.id.0, Refusal::ImpossibleDate);
        return None;
    };
    let updated_at = former.updated_at.known().unwrap_or(created_at);
    refuse_dates(&former, findings);
    let (messages, flags) = messages(former.messages, &parties, findings);
    let horizons = horizons(&flags, findings);
    compare_counters(&former.counters, &parties, &messages, &horizons, findings);
    let last_message_at = messages.last().map_or(created_at, |newest| newest.created_at);
    let told = former.last_message_at.known();
    let off_by_ms = told.map(|told| told.as_millis() - last_message_at.as_millis());
    if off_by_ms.is_some_and(|off_by_ms| off_by_ms.abs() > LAST_MESSAGE_TOLERANCE_MS) {
        findings.repaired(Repair::LastMessageTimeCorrected);
    }
    Some(ImportedConversation {
        id,
        parties,
        appointment: appointment(former.appointment.as_ref(), findings),
        subject: text::subject(former.subject.as_ref(), findings),
        status: status(&former.status, findings),
        created_at,
        updated_at,
        last_message_at,
        last_seq: messages.last().map_or(Seq::ZERO.next(), |newest| newest.seq),
        horizons,
        messages,
    })
}

/// When it was opened; told by the oldest time in it when its own is none. `None` without any.
fn opened_at(former: &LegacyConversation) -> Option<Timestamp> {
    let said = former.messages.iter().map(|it| it.created_at);
    let others = said.chain([former.updated_at, former.last_message_at]);
    former.created_at.known().or_else(|| others.filter_map(FormerTime::known).min())
}

fn refuse_dates(former: &LegacyConversation, findings: &mut Findings) {
    let dates = [
        ("createdAt", former.created_at),
        ("updatedAt", former.updated_at),
        ("lastMessageAt", former.last_message_at),
    ];
    for (column, _) in dates.iter().filter(|(_, date)| *date == FormerTime::Impossible) {
        findings.refuse_date(&former.id.0, column);
    }
}

fn who(former: &LegacyConversation) -> Result<(ConversationId, Parties), Refusal> {
    let user = |raw: &Raw| UserId::parse(&raw.0).map_err(|_| Refusal::InvalidId);
    let id = ConversationId::parse(&former.id.0).map_err(|_| Refusal::InvalidId)?;
    let parties = Parties { salon: user(&former.salon)?, client: user(&former.client)? };
    if parties.salon == parties.client {
        return Err(Refusal::SidesAreTheSame);
    }
    Ok((id, parties))
}

fn messages(
    mut former: Vec<LegacyMessage>,
    parties: &Parties,
    findings: &mut Findings,
) -> (Vec<ImportedMessage>, Vec<Flagged>) {
    let place = |it: &LegacyMessage| it.created_at.known();
    former.sort_unstable_by(|a, b| (place(a), &a.id.0).cmp(&(place(b), &b.id.0)));
    let (mut messages, mut flags) = (Vec::with_capacity(former.len()), Vec::new());
    let mut ids: HashSet<MessageId> = HashSet::with_capacity(former.len());
    let mut seq = Seq::ZERO.next();
    for former in &former {
        let Some(side) = side_of(&former.sender, parties) else {
            findings.refuse(ImportedKind::Message, &former.id.0, Refusal::AuthorTakesNoPart);
            continue;
        };
        let parts = message::messages(former, side, seq, findings);
        if parts.iter().any(|part| ids.contains(&part.id)) {
            findings.refuse(ImportedKind::Message, &former.id.0, Refusal::IdTwice);
            continue;
        }
        if let Some(last) = parts.last() {
            seq = last.seq;
            flags.push(Flagged { side, seq, is_read: former.is_read });
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

// How far each side had read, told from flags on messages.

/// A message in the order of its conversation, and what its flag said.
struct Flagged {
    side: Side,
    /// The position of the last message that was made of it.
    seq: Seq,
    is_read: bool,
}

/// The horizons: the newest message of the other side that is marked read. The former system marked
/// only the page it showed, so that older messages may be marked unread; people had them before
/// their eyes, and they are read.
fn horizons(flags: &[Flagged], findings: &mut Findings) -> Horizons {
    let mut horizons = Horizons::default();
    for read in flags.iter().filter(|flag| flag.is_read) {
        horizons.advance(read.side.other(), read.seq);
    }
    let below = |flag: &&Flagged| !flag.is_read && horizons.has_read(flag.side, flag.seq);
    let below = flags.iter().filter(below).count();
    findings.repaired_times(Repair::ReadBelowHorizon, below as u64);
    horizons
}

/// Compares what the counters told with what is unread. Ours is derived, and cannot drift.
fn compare_counters(
    counters: &[LegacyCounter],
    parties: &Parties,
    messages: &[ImportedMessage],
    horizons: &Horizons,
    findings: &mut Findings,
) {
    for side in [Side::Salon, Side::Client] {
        let waits = |it: &&ImportedMessage| it.side != side && it.seq > horizons.of(side);
        let unread = messages.iter().filter(waits).count();
        let of_side = counters.iter().filter(|it| it.reader.0 == parties.on(side).as_str());
        let told: i64 = of_side.map(|it| it.unread).sum();
        if usize::try_from(told) != Ok(unread) {
            findings.repaired(Repair::CounterDrifted);
        }
    }
    let known = [parties.salon.as_str(), parties.client.as_str()];
    let strangers = counters.iter().filter(|it| !known.contains(&it.reader.0.as_str())).count();
    findings.repaired_times(Repair::CounterOfStranger, strangers as u64);
}
