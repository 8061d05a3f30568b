//! What a storm leaves: each client's view against a fresh snapshot.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{
    Rooms,
    caller::Survivor,
    snapshot::{self, Messages},
    speaker::Receipts,
    stage::Room,
};
use crate::{Fault, fault::same, rest::Rest};

/// How long after the last acknowledgement the last event may arrive.
const QUIET: Duration = Duration::from_secs(15);

/// The figures of a storm that left every view right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Clients whose view equalled a fresh snapshot.
    pub clients: usize,
    /// Messages acknowledged, all of them stored once.
    pub messages: usize,
    /// Returns with a `pid` and an offset.
    pub returns: usize,
    /// Of those, the ones with `socket.recovered`.
    pub recovered: usize,
    /// How often somebody was refused, which the stock client takes for an answer.
    pub refused: usize,
    /// How often somebody was told to load a snapshot.
    pub told_to_resync: usize,
    /// Messages that a screen showed as read by the other side, as the snapshot did.
    pub shown_read: usize,
    /// Messages that a screen showed as not read, as the snapshot did.
    pub shown_unread: usize,
}

impl Outcome {
    /// Recovered returns, in tenths of a percent.
    pub fn recovered_per_mille(&self) -> usize {
        self.recovered * 1_000 / self.returns.max(1)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, messages, returns, recovered, refused, told_to_resync, .. } = self;
        let Self { shown_read, shown_unread, .. } = self;
        let per_mille = self.recovered_per_mille();
        let (whole, tenth) = (per_mille / 10, per_mille % 10);
        writeln!(
            f,
            "| views equal to a fresh snapshot | messages acknowledged | returns | recovered | refused | told to resync | shown read, unread |"
        )?;
        writeln!(f, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        writeln!(
            f,
            "| {clients} of {clients} | {messages} | {returns} | {recovered} ({whole}.{tenth} %) | {refused} | {told_to_resync} | {shown_read}, {shown_unread} |"
        )
    }
}

/// Compares what there is, what was promised and what everybody sees.
pub(super) async fn judge(
    mut callers: JoinSet<Result<Survivor, Fault>>,
    rooms: &Rooms,
    url: &str,
    receipts: &Receipts,
) -> Result<Outcome, Fault> {
    let http = Rest::new(url);
    for room in rooms {
        let http = http.with_token(&room.salon_token);
        kept(room, &snapshot::messages(&http, &room.conversation).await?, receipts)?;
    }
    let mut outcome = Outcome { messages: receipts.len(), ..Outcome::default() };
    while let Some(survivor) = callers.join_next().await {
        let survivor = survivor.map_err(Fault::while_doing("come back"))??;
        outcome.clients += 1;
        outcome.returns += survivor.returns.able;
        outcome.recovered += survivor.returns.recovered;
        outcome.refused += survivor.returns.refused;
        outcome.told_to_resync += survivor.returns.told_to_resync;
        let messages = compare(survivor, &http).await?;
        let shown_read = messages.values().filter(|message| message.is_read).count();
        outcome.shown_read += shown_read;
        outcome.shown_unread += messages.len() - shown_read;
    }
    Ok(outcome)
}

/// All that was acknowledged is there, and nothing else.
fn kept(room: &Room, stored: &Messages, receipts: &Receipts) -> Result<(), Fault> {
    let promised: BTreeMap<_, _> = receipts
        .iter()
        .filter(|((conversation, _), _)| *conversation == room.conversation)
        .map(|((_, id), (seq, content))| (*seq, (id, content)))
        .collect();
    let stored = stored.iter().map(|(seq, message)| (*seq, (&message.id, &message.content)));
    same_by_position("what is stored against what was acknowledged", &stored.collect(), &promised)
}

/// The messages on a screen that equals a fresh snapshot: texts, read marks and the unread total.
async fn compare(survivor: Survivor, http: &Rest) -> Result<Messages, Fault> {
    let Survivor { number, room, mut socket, mut view, .. } = survivor;
    let http = http.with_token(room.token_of(number));
    let fresh = snapshot::messages(&http, &room.conversation).await?;
    let unread = snapshot::unread(&http).await?;
    let deadline = Instant::now() + QUIET;
    while *view.messages() != fresh || view.unread() != unread {
        match timeout_at(deadline, socket.next()).await {
            Ok(Some(event)) => view.hear(&event)?,
            Ok(None) => return Err(Fault::new(format!("client {number} was put out at the end"))),
            Err(_) => break,
        }
    }
    socket.catch_up().await?;
    socket.cut();
    while let Some(event) = socket.next().await {
        view.hear(&event)?;
    }
    let what = format!("client {number}, its screen against a fresh snapshot");
    same_by_position(&what, view.messages(), &fresh)?;
    same(&format!("client {number}, its unread total"), view.unread(), unread)?;
    Ok(fresh)
}

fn same_by_position<T: PartialEq>(
    what: &str,
    found: &BTreeMap<i64, T>,
    expected: &BTreeMap<i64, T>,
) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let lacks: Vec<_> = expected.keys().filter(|seq| !found.contains_key(seq)).collect();
    let extra: Vec<_> = found.keys().filter(|seq| !expected.contains_key(seq)).collect();
    let is_other = |seq: &&i64| expected.get(seq).is_some_and(|other| found[seq] != *other);
    let other: Vec<_> = found.keys().filter(is_other).collect();
    Err(Fault::new(format!(
        "{what}: lacks {lacks:?}, has {extra:?} in excess, shows {other:?} otherwise"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_those_who_could_return() {
        let outcome = Outcome { returns: 400, recovered: 397, ..Outcome::default() };
        assert_eq!(outcome.recovered_per_mille(), 992);
        assert!(outcome.to_string().contains("397 (99.2 %)"), "{outcome}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let found = BTreeMap::from([(1, "a"), (3, "b")]);
        let expected = BTreeMap::from([(2, "a"), (3, "c")]);
        let fault = same_by_position("screen", &found, &expected).expect_err("they differ");
        let text = "screen: lacks [2], has [1] in excess, shows [3] otherwise";
        assert_eq!(fault.to_string(), text);
    }
}
