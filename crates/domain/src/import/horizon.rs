//! How far each side had read, told from flags on messages.

use super::{Findings, ImportedMessage, Repair, former::LegacyCounter};
use crate::{
    conversation::{Horizons, Parties, Side},
    ids::Seq,
};

/// A message in the order of its conversation, and what its flag said.
pub(super) struct Flagged {
    pub(super) side: Side,
    /// The position of the last message that was made of it.
    pub(super) seq: Seq,
    pub(super) is_read: bool,
}

/// The horizons: the newest message of the other side that is marked read. The former system marked
/// only the page it showed, so that older messages may be marked unread; people had them before
/// their eyes, and they are read.
pub(super) fn horizons(flags: &[Flagged], findings: &mut Findings) -> Horizons {
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
pub(super) fn compare_counters(
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
