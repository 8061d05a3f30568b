//! What a storm leaves: each client's view against a fresh snapshot.

use std::{fmt, time::Duration};

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
}

impl Outcome {
    /// Recovered returns, in tenths of a percent.
    pub fn recovered_per_mille(&self) -> usize {
        self.recovered * 1_000 / self.returns.max(1)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, messages, returns, recovered, refused, told_to_resync } = self;
        let per_mille = self.recovered_per_mille();
        let (whole, tenth) = (per_mille / 10, per_mille % 10);
        writeln!(
            f,
            "| views equal to a fresh snapshot | messages acknowledged | returns | recovered | refused | told to resync |"
        )?;
        writeln!(f, "| ---: | ---: | ---: | ---: | ---: | ---: |")?;
        writeln!(
            f,
            "| {clients} of {clients} | {messages} | {returns} | {recovered} ({whole}.{tenth} %) | {refused} | {told_to_resync} |"
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
        compare(survivor, &http).await?;
    }
    Ok(outcome)
}

/// All that was acknowledged is there, and nothing else.
fn kept(room: &Room, stored: &Messages, receipts: &Receipts) -> Result<(), Fault> {
    let promised: Messages = receipts
        .iter()
        .filter(|((conversation, _), _)| *conversation == room.conversation)
        .map(|((_, id), (seq, content))| (*seq, (id.clone(), content.clone())))
        .collect();
    same_messages("what is stored against what was acknowledged", stored, &promised)
}

async fn compare(survivor: Survivor, http: &Rest) -> Result<(), Fault> {
    let Survivor { number, room, mut socket, mut view, .. } = survivor;
    let http = http.with_token(room.token_of(number));
    let fresh = snapshot::messages(&http, &room.conversation).await?;
    let unread = snapshot::unread(&http).await?;
    let deadline = Instant::now() + QUIET;
    let last_seq = fresh.last_key_value().map(|(seq, _)| *seq);
    while view.last_seq() != last_seq || view.unread() != unread {
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
    same_messages(&what, view.messages(), &fresh)?;
    same(&format!("client {number}, its unread total"), view.unread(), unread)
}

fn same_messages(what: &str, found: &Messages, expected: &Messages) -> Result<(), Fault> {
    let lacks: Vec<_> = expected.keys().filter(|seq| !found.contains_key(seq)).collect();
    let extra: Vec<_> = found.keys().filter(|seq| !expected.contains_key(seq)).collect();
    if found == expected {
        return Ok(());
    }
    Err(Fault::new(format!("{what}: lacks {lacks:?}, has {extra:?} in excess, or texts differ")))
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
        let one = |seq: i64| (seq, (format!("m-{seq}"), String::new()));
        let fault = same_messages("screen", &Messages::from([one(1)]), &Messages::from([one(2)]));
        let text = fault.expect_err("they differ").to_string();
        assert_eq!(text, "screen: lacks [2], has [1] in excess, or texts differ");
    }
}
