//! Crashes under load: people send over sockets and by REST, in batches that are full, while processes are
//! killed (`kill -9`) or two servers work on the same conversations. Afterwards everything acknowledged must
//! be stored once and in order, and seen by those who watched (G1, G2, G3).

mod evidence;
mod load;
mod watcher;

use std::{fmt, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use load::{Conversation, Door, Receipts, Sender};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};
use watcher::{View, Watcher};

use crate::{
    Fault,
    database::{self, Cluster, Database},
    rest::Rest,
    server::Server,
    test_app::TestApp,
};

pub use evidence::Evidence;

/// The most commands in a batch. Far more people send at once.
pub const BATCH_COMMANDS_MAX: usize = 16;

/// Settings of the servers: small batches, which are full often.
pub const SETTINGS: [(&str, &str); 2] =
    [("DATABASE_LANE_BATCH_COMMANDS_MAX", "16"), ("DATABASE_LANES", "2")];

/// Conversations, so many that both lanes have several.
const CONVERSATIONS: usize = 16;
/// Senders of each conversation: four by socket and two by REST, half of them its salon.
const SENDERS_EACH: usize = 6;
/// Conversations that are opened or joined at once.
const AT_ONCE: usize = 8;

/// What happens during the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kills {
    /// How often the server is killed, and started again.
    pub server: usize,
    /// How often every process of PostgreSQL is killed, and started again.
    pub database: usize,
}

/// How long two servers are under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until so many messages are acknowledged.
    Acknowledged(usize),
    /// For this time.
    Elapsed(Duration),
}

/// Kills the server, then the `cluster` of its database, under load. Returns the cluster, which runs again.
///
/// # Errors
/// When something cannot be done. Whether all promises were kept is in the [`Outcome`].
pub async fn kill(
    kills: Kills,
    app: &mut TestApp,
    cluster: Option<Cluster>,
) -> Result<(Outcome, Option<Cluster>), Fault> {
    let load = Load::start(&[&app.server]).await?;
    let receipts = load.receipts.clone();
    let killing = kill_all(kills, &mut app.server, cluster, &receipts);
    let (finished, cluster) = load.during(killing).await?;
    Ok((finished.outcome(&app.database, kills).await?, cluster))
}

/// Lets two servers work on the same conversations.
///
/// # Errors
/// See [`kill`].
pub async fn race(until: Until, app: &TestApp, other: &Server) -> Result<Outcome, Fault> {
    let load = Load::start(&[&app.server, other]).await?;
    let receipts = load.receipts.clone();
    let waiting = async {
        match until {
            Until::Acknowledged(count) => receipts.reach(count).await,
            Until::Elapsed(time) => {
                sleep(time).await;
                Ok(())
            }
        }
    };
    let (finished, ()) = load.during(waiting).await?;
    finished.outcome(&app.database, Kills { server: 0, database: 0 }).await
}

/// Each kill at another moment: after so many further acknowledgements.
fn acknowledgements_before(kill: usize) -> usize {
    60 + (kill * 37) % 201
}

async fn kill_all(
    kills: Kills,
    server: &mut Server,
    cluster: Option<Cluster>,
    receipts: &Receipts,
) -> Result<Option<Cluster>, Fault> {
    for kill in 0..kills.server {
        receipts.reach(receipts.count() + acknowledgements_before(kill)).await?;
        server.kill_9().await?;
        server.restart().await?;
    }
    let mut cluster = cluster;
    for kill in 0..kills.database {
        receipts.reach(receipts.count() + acknowledgements_before(kill)).await?;
        let running = cluster.take().ok_or_else(|| Fault::new("no cluster to be killed"))?;
        cluster = Some(database::power_cut(running).await?);
    }
    receipts.reach(receipts.count() + acknowledgements_before(0)).await?;
    Ok(cluster)
}

/// Everybody who sends and watches.
#[derive(Debug)]
struct Load {
    receipts: Receipts,
    senders: JoinSet<Result<(), Fault>>,
    watchers: JoinSet<Result<View, Fault>>,
    senders_end: watch::Sender<bool>,
    watchers_end: watch::Sender<bool>,
    since: Instant,
}

impl Load {
    /// Opens conversations, and begins to send and watch on all of the servers.
    async fn start(servers: &[&Server]) -> Result<Self, Fault> {
        let first = servers.first().ok_or_else(|| Fault::new("no server"))?;
        let conversations: Vec<Conversation> = stream::iter(0..CONVERSATIONS)
            .map(|_| Conversation::open(first))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
        let url = |number: usize| &urls[number % urls.len()];
        let (senders_end, senders_over) = watch::channel(false);
        let (watchers_end, watchers_over) = watch::channel(false);
        let joined: Vec<_> = stream::iter(conversations.iter().enumerate())
            .map(|(number, conversation)| {
                // In half of them arriving messages are read.
                Watcher::join(url(number), conversation, number.is_multiple_of(2))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut watchers = JoinSet::new();
        for (watcher, socket) in joined {
            watchers.spawn(watcher.run(socket, watchers_over.clone()));
        }
        let (receipts, mut senders) = (Receipts::default(), JoinSet::new());
        for (room, conversation) in conversations.iter().enumerate() {
            for number in 0..SENDERS_EACH {
                let author = match number % 2 {
                    0 => &conversation.salon,
                    _ => &conversation.client,
                };
                // Half of each person's senders are on each server.
                let url = url(room + number / 2);
                let is_rest = number >= 4;
                let sender = Sender {
                    name: format!("{room}-{number}"),
                    url: url.clone(),
                    author: author.clone(),
                    conversation: conversation.id.clone(),
                    door: if is_rest {
                        Door::Rest(Rest::new(url).with_token(&author.token))
                    } else {
                        Door::Socket(None)
                    },
                    // In some nobody reads, so that the counters go up.
                    reads: room % 4 == 3 && number < 2,
                    receipts: receipts.clone(),
                };
                senders.spawn(sender.run(senders_over.clone()));
            }
        }
        Ok(Self { receipts, senders, watchers, senders_end, watchers_end, since: Instant::now() })
    }

    /// Goes on until `event` has happened, and ends when everything sent is acknowledged.
    async fn during<T>(
        mut self,
        event: impl Future<Output = Result<T, Fault>>,
    ) -> Result<(Finished, T), Fault> {
        let done = tokio::select! {
            done = event => done?,
            Some(ended) = self.senders.join_next() => {
                ended.map_err(Fault::while_doing("send"))??;
                return Err(Fault::new("a sender ended before it was told to"));
            }
            Some(ended) = self.watchers.join_next() => {
                ended.map_err(Fault::while_doing("watch"))??;
                return Err(Fault::new("a watcher ended before it was told to"));
            }
        };
        let Self { receipts, mut senders, mut watchers, senders_end, watchers_end, since } = self;
        let conversations = watchers.len();
        let count = senders.len();
        senders_end.send_replace(true);
        while let Some(ended) = senders.join_next().await {
            ended.map_err(Fault::while_doing("send"))??;
        }
        let elapsed = since.elapsed();
        // Only now: they see everything that was acknowledged.
        watchers_end.send_replace(true);
        let mut views = vec![];
        while let Some(view) = watchers.join_next().await {
            views.push(view.map_err(Fault::while_doing("watch"))??);
        }
        let finished = Finished { receipts, views, conversations, senders: count, elapsed };
        Ok((finished, done))
    }
}

/// A load that has ended.
struct Finished {
    receipts: Receipts,
    views: Vec<View>,
    conversations: usize,
    senders: usize,
    elapsed: Duration,
}

impl Finished {
    async fn outcome(self, database: &Database, kills: Kills) -> Result<Outcome, Fault> {
        let retries = self.receipts.retries();
        let evidence = evidence::collect(database, &self.receipts.take(), &self.views).await?;
        Ok(Outcome {
            kills,
            conversations: self.conversations,
            senders: self.senders,
            elapsed: self.elapsed,
            retries,
            evidence,
        })
    }
}

/// The figures of a load.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// What was killed.
    pub kills: Kills,
    /// Conversations, each with somebody who watched.
    pub conversations: usize,
    /// Senders at once.
    pub senders: usize,
    /// The time of the load.
    pub elapsed: Duration,
    /// How often a message was not acknowledged and had to be tried again.
    pub retries: usize,
    /// What was found afterwards.
    pub evidence: Evidence,
}

impl Outcome {
    /// Checks that every promise was kept.
    ///
    /// # Errors
    /// Names what was not.
    pub fn check(&self) -> Result<(), Fault> {
        let Evidence { lost, doubled, unacknowledged, holes, wrong_counters, unseen, .. } =
            self.evidence;
        let faults = [
            ("acknowledged messages lost", lost),
            ("messages doubled", doubled),
            ("messages stored and never acknowledged", unacknowledged),
            ("holes in logs", holes),
            ("conversations with a wrong counter", wrong_counters),
            ("messages not seen by who watched", unseen),
        ];
        let broken = faults.into_iter().filter(|(_, count)| *count > 0);
        let broken: Vec<_> = broken.map(|(what, count)| format!("{what}: {count}")).collect();
        if broken.is_empty() { Ok(()) } else { Err(Fault::new(broken.join(", "))) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, conversations, senders, elapsed, retries, evidence } = self;
        let Evidence { transactions, batches, largest_batch, largest_batches, groups, .. } =
            evidence;
        let rows = [
            ("kills of the server, of PostgreSQL", format!("{}, {}", kills.server, kills.database)),
            ("senders, conversations", format!("{senders}, {conversations}")),
            ("seconds", format!("{:.1}", elapsed.as_secs_f64())),
            ("messages acknowledged", evidence.acknowledged.to_string()),
            ("attempts without an acknowledgement", retries.to_string()),
            (
                "transactions that posted, with several messages",
                format!("{transactions}, {batches}"),
            ),
            ("largest batch, how often", format!("{largest_batch}, {largest_batches}")),
            ("most conversations in one batch", evidence.conversations_in_batch.to_string()),
            ("groups of conversations that shared no batch", groups.to_string()),
            ("acknowledged and lost", evidence.lost.to_string()),
            ("doubled", evidence.doubled.to_string()),
            ("stored and never acknowledged", evidence.unacknowledged.to_string()),
            ("holes in logs", evidence.holes.to_string()),
            ("wrong counters", evidence.wrong_counters.to_string()),
            (
                "seen over sockets, in the log on resuming, not at all",
                format!("{}, {}, {}", evidence.over_socket, evidence.from_log, evidence.unseen),
            ),
        ];
        writeln!(f, "| crashes under load | |")?;
        writeln!(f, "| --- | ---: |")?;
        rows.iter().try_for_each(|(what, figure)| writeln!(f, "| {what} | {figure} |"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(evidence: Evidence) -> Outcome {
        let kills = Kills { server: 1, database: 0 };
        let elapsed = Duration::from_secs(1);
        Outcome { kills, conversations: 1, senders: 1, elapsed, retries: 0, evidence }
    }

    #[test]
    fn what_was_promised_and_not_kept_is_named() {
        let kept = Evidence { acknowledged: 7, over_socket: 6, from_log: 1, ..Evidence::default() };
        assert!(outcome(kept).check().is_ok());
        let broken = Evidence { lost: 2, holes: 1, ..kept };
        let fault = outcome(broken).check().expect_err("two promises were broken");
        assert_eq!(fault.to_string(), "acknowledged messages lost: 2, holes in logs: 1");
    }
}
