//! Two people who behave while others do not, and must not notice.

use std::{cell::Cell, pin::Pin, thread, time::Duration};

use serde_json::{Value, json};
use testkit::{Fault, bench::Percentiles, fault::same, socket::Socket};
use tokio::time::Instant;

use crate::Fixture;

/// The longest a bystander may wait, on a machine busy with other tests. Figures are for benchmarks; this
/// tells a server that serves from one that does not.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How much the server's memory may grow through the misbehaviour.
const GROWTH_MAX_KB: u64 = 96 * 1_024;
/// So often the service is used before anybody misbehaves.
const CALM: usize = 100;

/// Lets somebody misbehave while two bystanders go on using the service: each command must be answered,
/// each event must arrive, once, and the server must hold no more memory than it may. Prints how long the
/// two waited before and meanwhile; both are in the same process as whoever misbehaves.
pub(crate) async fn beside<T>(
    fixture: &Fixture,
    misbehave: Pin<Box<impl Future<Output = Result<T, Fault>>>>,
) -> Result<T, Fault> {
    let mut bystanders = Bystanders::come(fixture).await?;
    let mut before = Waits::none()?;
    for _ in 0..CALM {
        before.add(bystanders.served().await?);
    }
    let before_kb = fixture.app.server.memory_kb()?;
    let is_over = Cell::new(false);
    let misbehave = async {
        let done = misbehave.await;
        is_over.set(true);
        done
    };
    let (done, during) = tokio::join!(misbehave, bystanders.served_until(&is_over));
    let (done, during) = (done?, during?);
    let growth_kb = fixture.app.server.memory_kb()?.saturating_sub(before_kb);
    print(&before, &during);
    bystanders.lack_nothing().await?;
    assert!(during.longest < WAIT_MAX, "a bystander waited {:?}", during.longest);
    assert!(growth_kb < GROWTH_MAX_KB, "the server holds {growth_kb} kB more");
    Ok(done)
}

/// How long the bystanders waited for an event, counted from the command that caused it.
struct Waits {
    percentiles: Percentiles,
    longest: Duration,
}

impl Waits {
    fn none() -> Result<Self, Fault> {
        Ok(Self { percentiles: Percentiles::new()?, longest: Duration::ZERO })
    }

    fn add(&mut self, wait: Duration) {
        self.percentiles.add(wait);
        self.longest = self.longest.max(wait);
    }
}

#[expect(clippy::print_stdout, reason = "figures are for whoever runs the tests")]
fn print(before: &Waits, during: &Waits) {
    let thread = thread::current();
    println!("{}", thread.name().unwrap_or_default());
    println!("| bystander | events | p50 | p99 | longest |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (when, waits) in [("before", before), ("meanwhile", during)] {
        println!("| {when} | {} | {} |", waits.percentiles.count(), waits.percentiles.cells());
    }
}

/// One client that acts and one that receives the events of it.
struct Bystanders {
    actor: Socket,
    witness: Socket,
    here: Value,
}

impl Bystanders {
    async fn come(fixture: &Fixture) -> Result<Self, Fault> {
        let here = json!({ "conversationId": fixture.other_conversation });
        let (mut actor, mut witness) = (
            fixture.app.socket(&fixture.rival).await?,
            fixture.app.socket(&fixture.regular).await?,
        );
        for socket in [&actor, &witness] {
            socket.call_ok("join-conversation", &here).await?;
        }
        actor.discard_received().await?;
        witness.discard_received().await?;
        Ok(Self { actor, witness, here })
    }

    /// One command, its acknowledgement and both its events; how long until the other one knew. It
    /// changes nothing that is stored.
    async fn served(&mut self) -> Result<Duration, Fault> {
        let asked = Instant::now();
        self.actor.call_ok("join-conversation", &self.here).await?;
        self.witness.wait_for("user-joined").await?;
        let wait = asked.elapsed();
        self.actor.wait_for("conversation-history").await?;
        Ok(wait)
    }

    /// At least once.
    async fn served_until(&mut self, is_over: &Cell<bool>) -> Result<Waits, Fault> {
        let mut waits = Waits::none()?;
        loop {
            waits.add(self.served().await?);
            if is_over.get() {
                return Ok(waits);
            }
        }
    }

    /// No event came twice, and both are still connected.
    async fn lack_nothing(mut self) -> Result<(), Fault> {
        self.actor.catch_up().await?;
        self.witness.catch_up().await?;
        same("histories in excess", self.actor.received("conversation-history").len(), 0)?;
        same("arrivals in excess", self.witness.received("user-joined").len(), 0)
    }
}
