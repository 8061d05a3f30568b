//! A batch of commands in one transaction: lock, read, decide, write.

use std::collections::HashMap;

use domain::{
    conversation::{
        Conversation, Horizons, Status,
        ledger::{self, Command, Facts, Head, PerSide, Refusal},
        store::Committed,
    },
    ids::{AppointmentId, ConversationId, Seq},
    text::Subject,
};
use futures_util::{
    FutureExt as _,
    future::{MaybeDone, join, join_all, maybe_done},
    poll,
};
use tokio_postgres::Row;

use super::{
    facts,
    item::{Item, Outcome, Sent, Verdict},
    session::{Session, Value},
    write::{self, Columns},
};
use crate::{
    error::{Class, Failure},
    lock::{decoded, parties_from},
    row::PgTimestamp,
};

/// Each statement sees what was committed before it, whatever the default of the role is: facts are read
/// after a lock was waited for.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Runs posts and read marks in one transaction, without waiting for a lock. What could make more than
/// `read_max` messages read counts as locked. The verdicts are in the order of the items.
///
/// # Errors
/// [`Failure`]. If `sent` is set then, or after this future was dropped, everything may have been
/// committed, and whoever calls this has to find that out. Otherwise nothing was changed.
pub(super) async fn run_batch(
    session: &Session,
    items: &[Item<'_>],
    read_max: u64,
    sent: &mut Option<Sent>,
) -> Result<Vec<Verdict>, Failure> {
    let done = decide_batch(session, items, read_max, sent).await;
    if done.is_err() {
        roll_back(session).await;
    }
    done
}

async fn decide_batch(
    session: &Session,
    items: &[Item<'_>],
    read_max: u64,
    sent: &mut Option<Sent>,
) -> Result<Vec<Verdict>, Failure> {
    let mut ids: Vec<_> = items.iter().map(|item| item.conversation.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let locked: [Value<'_>; 1] = [&ids];
    session.count_round_trip();
    let (begun, rows, facts) = futures_util::join!(
        session.run(BEGIN),
        session.query(&session.hot().heads_unlocked, &locked),
        facts::of_batch(session, items),
    );
    begun?;
    let rows = rows?;
    let transaction = rows.first().map(transaction_of).transpose()?;
    let mut heads = HashMap::new();
    for row in &rows {
        let head = head(row)?;
        heads.insert(
            head.conversation.id.clone(),
            Locked { head, changed_by: vec![], is_left: false },
        );
    }
    let mut verdicts = Vec::with_capacity(items.len());
    for (item, mut facts) in items.iter().zip(facts?) {
        let locked = heads.get_mut(item.conversation);
        let Some(locked) = locked.filter(|locked| !locked.is_left) else {
            verdicts.push(Verdict::Locked);
            continue;
        };
        facts.is_watched = item.is_watched(&locked.head.conversation.parties);
        // The later commands of the conversation have to wait for this one.
        locked.is_left = most_read_by(item.command, &facts, &locked.head) > read_max;
        if locked.is_left {
            verdicts.push(Verdict::Locked);
            continue;
        }
        for earlier in &locked.changed_by {
            if let Some(earlier) = committed_in(&verdicts, *earlier) {
                facts.include(item.command, &earlier.changes, &earlier.parties);
            }
        }
        let outcome = decide(&mut locked.head, item, &facts);
        if outcome.as_ref().is_ok_and(|committed| !committed.changes.events.is_empty()) {
            locked.changed_by.push(verdicts.len());
        }
        verdicts.push(Verdict::Decided(Box::new(outcome)));
    }
    let Sent { verdicts, .. } = sent.insert(Sent { transaction, verdicts });
    let committed = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| Some((committed_in(verdicts, index)?, item.at)));
    let heads = heads.values().filter(|locked| !locked.changed_by.is_empty());
    let columns = Columns::new(heads.map(|locked| &locked.head), committed);
    let end = write(session, &columns).await;
    ended(end, sent)
}

/// What was decided, now that the transaction has ended; it stays in `sent` when that is not known.
fn ended(end: End, sent: &mut Option<Sent>) -> Result<Vec<Verdict>, Failure> {
    match end {
        End::Committed => Ok(sent.take().map(|sent| sent.verdicts).unwrap_or_default()),
        End::RolledBack(failure) => {
            *sent = None;
            Err(failure)
        }
        End::Unanswered(failure) => Err(failure),
    }
}

/// What the command at `index` has changed; `None` when it was refused or not decided.
fn committed_in(verdicts: &[Verdict], index: usize) -> Option<&Committed> {
    match verdicts.get(index)? {
        Verdict::Decided(outcome) => outcome.as_ref().as_ref().ok(),
        Verdict::Locked => None,
    }
}

/// A locked conversation, and which commands of the batch have changed it.
struct Locked {
    head: Head,
    changed_by: Vec<usize>,
    /// Whether a command of the conversation was left to run alone.
    is_left: bool,
}

/// The most messages that a command can make read.
fn most_read_by(command: &Command, facts: &Facts, head: &Head) -> u64 {
    let reader = match command {
        Command::MarkRead { reader, .. } => Some(reader),
        _ if facts.is_watched => command.reader_on_arrival(&head.conversation.parties),
        _ => None,
    };
    let side = reader.and_then(|reader| head.conversation.parties.side_of(reader));
    side.map_or(0, |side| head.unread.of(side))
}

/// Runs any command in a transaction of its own, and waits for the lock.
///
/// # Errors
/// As [`run_batch`].
pub(super) async fn run_alone(
    session: &Session,
    item: &Item<'_>,
    sent: &mut Option<Sent>,
) -> Result<Vec<Verdict>, Failure> {
    let done = decide_alone(session, item, sent).await;
    if done.is_err() {
        roll_back(session).await;
    }
    done
}

async fn decide_alone(
    session: &Session,
    item: &Item<'_>,
    sent: &mut Option<Sent>,
) -> Result<Vec<Verdict>, Failure> {
    session.count_round_trip();
    let ids = [item.conversation.as_str()];
    let (begun, rows) =
        join(session.run(BEGIN), session.query(&session.hot().heads, &[&ids.as_slice()])).await;
    begun?;
    let rows = rows?;
    let known = rows.first().map(head).transpose()?;
    let mut transaction = rows.first().map(transaction_of).transpose()?;
    let head = known.or_else(|| match item.command {
        Command::Open(open) => {
            let (parties, appointment) = (open.parties.clone(), open.appointment.clone());
            Some(Head::unopened(item.conversation.clone(), parties, appointment))
        }
        _ => None,
    });
    let outcome = match head {
        None => Err(Refusal::UnknownConversation),
        Some(mut head) => {
            let mut facts = facts::of_one(session, item, &head).await?;
            facts.is_watched = item.is_watched(&head.conversation.parties);
            let is_new = head.conversation.last_seq == Seq::ZERO;
            let mut outcome = decide(&mut head, item, &facts);
            if let Ok(committed) = &mut outcome {
                if is_new {
                    let inserted = write::insert_conversation(session, &head);
                    let (inserted, id) = join(inserted, session.transaction()).await;
                    inserted?;
                    transaction = Some(id?);
                }
                committed.files = write::besides_the_log(session, item, committed).await?;
                let has_events = !committed.changes.events.is_empty();
                let changed = has_events.then_some(&head);
                let verdicts = vec![Verdict::Decided(Box::new(outcome))];
                let Sent { verdicts, .. } = sent.insert(Sent { transaction, verdicts });
                let committed = committed_in(verdicts, 0).map(|committed| (committed, item.at));
                let columns = Columns::new(changed.into_iter(), committed.into_iter());
                let end = write(session, &columns).await;
                return ended(end, sent);
            }
            outcome
        }
    };
    session.count_round_trip();
    session.run("ROLLBACK").await?;
    Ok(vec![Verdict::Decided(Box::new(outcome))])
}

fn decide(head: &mut Head, item: &Item<'_>, facts: &Facts) -> Outcome {
    let changes = ledger::decide(head, item.command, facts, item.at)?;
    let parties = head.conversation.parties.clone();
    Ok(Committed { parties, unread: head.unread, changes, files: 0 })
}

/// How a transaction ended.
enum End {
    Committed,
    /// The server has refused a statement or the commit.
    RolledBack(Failure),
    /// The commit was sent, and the connection is lost before its answer.
    Unanswered(Failure),
}

impl End {
    fn failed(error: tokio_postgres::Error, is_complete: bool) -> Self {
        if !is_complete {
            return Self::RolledBack(error.into());
        }
        let failure = Failure::committing(error);
        match failure.class() {
            Class::Unavailable => Self::Unanswered(failure),
            Class::Pooler | Class::Busy | Class::Again | Class::Internal => {
                Self::RolledBack(failure)
            }
        }
    }
}

/// Writes what was decided and commits, in one round trip.
async fn write(session: &Session, columns: &Columns<'_>) -> End {
    session.count_round_trip();
    let values = columns.values();
    let steps = write::steps(session.hot(), columns, &values);
    let mut steps: Vec<_> = steps
        .iter()
        .map(|(statement, values)| Box::pin(maybe_done(session.execute(statement, values))))
        .collect();
    // A statement is sent when its future is first polled. If one of them could not be sent, the
    // others must not be committed.
    let mut is_complete = true;
    for step in &mut steps {
        is_complete &= poll!(step.as_mut()).is_pending() || has_succeeded(step);
    }
    let end = session.run(if is_complete { "COMMIT" } else { "ROLLBACK" });
    let ((), ended) = join(join_all(steps.iter_mut()).map(drop), end).await;
    // After the first failure PostgreSQL refuses the rest, and answers `COMMIT` by rolling back.
    for step in &mut steps {
        match step.as_mut().take_output() {
            Some(Ok(_)) => {}
            Some(Err(error)) => return End::failed(error, is_complete),
            None => {
                let failure = Failure::new(Class::Internal, "a statement was not awaited");
                return End::Unanswered(failure);
            }
        }
    }
    match ended {
        Ok(()) => End::Committed,
        Err(error) => End::failed(error, is_complete),
    }
}

fn has_succeeded<F, T, E>(step: &mut std::pin::Pin<Box<MaybeDone<F>>>) -> bool
where
    F: Future<Output = Result<T, E>>,
{
    step.as_mut().output_mut().is_some_and(|output| output.is_ok())
}

/// Ends a transaction that failed. If that fails too, the connection is lost, and with it the
/// transaction.
async fn roll_back(session: &Session) {
    if let Err(error) = session.run("ROLLBACK").await {
        let failure = Failure::from(error);
        tracing::debug!(%failure, "a transaction could not be rolled back");
    }
}

/// The id of the transaction that has locked the conversation.
fn transaction_of(row: &Row) -> Result<String, Failure> {
    Ok(row.try_get(18)?)
}

/// The state of a conversation, in the columns of [`HEADS`].
fn head(row: &Row) -> Result<Head, Failure> {
    let id: &str = row.try_get(0)?;
    let (salon, client): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
    let appointment: Option<&str> = row.try_get(3)?;
    let subject: Option<&str> = row.try_get(4)?;
    let status: &str = row.try_get(5)?;
    let at = |column| row.try_get::<_, PgTimestamp>(column).map(|at| at.0);
    let seq = |column| decoded("seq", Seq::new(row.try_get(column)?));
    let count = |column| decoded("count", u64::try_from(row.try_get::<_, i64>(column)?));
    let appointment = appointment.map(|id| decoded("appointment_id", AppointmentId::parse(id)));
    let subject = subject.map(|subject| decoded("subject", Subject::stored(subject)));
    Ok(Head {
        conversation: Conversation {
            id: decoded("id", ConversationId::parse(id))?,
            parties: parties_from(salon, client)?,
            appointment: appointment.transpose()?,
            subject: subject.transpose()?.flatten(),
            status: decoded("status", Status::parse(status))?,
            created_at: at(6)?,
            updated_at: at(7)?,
            last_message_at: at(8)?,
            last_seq: seq(9)?,
            horizons: Horizons { salon: seq(10)?, client: seq(11)? },
        },
        newest: PerSide { salon: seq(12)?, client: seq(13)? },
        message_count: count(14)?,
        unread: PerSide { salon: count(15)?, client: count(16)? },
        is_deleted: row.try_get(17)?,
    })
}
