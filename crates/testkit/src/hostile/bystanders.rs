//! Others who use the service while it is attacked, from an address of their own: they list, read and send at
//! a fixed rate (open loop), below all limits.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    Fault, bench::Percentiles, database, person::Person, rest::Rest, socket::Socket,
    test_app::TestApp,
};

/// The address that attackers do not have.
pub(super) const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

const REQUESTS_PER_SECOND: u32 = 48;
const AT_ONCE: usize = 4;

/// Pairs of a salon and a client; the clients are here.
#[derive(Debug)]
pub(super) struct Bystanders(Vec<Arc<Bystander>>);

#[derive(Debug)]
struct Bystander {
    conversation: String,
    socket: Socket,
    rest: Rest,
}

/// What they waited.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    durations: Percentiles,
    /// Requests that failed or were refused.
    pub(super) refused: u64,
}

impl Bystanders {
    pub(super) async fn arrive(app: &TestApp, count: usize) -> Result<Self, Fault> {
        let all: Vec<_> = stream::iter(0..count)
            .map(|_| Bystander::arrive(app))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self(all.into_iter().map(Arc::new).collect()))
    }

    /// Uses the service until `end` is done, then waits for all answers.
    pub(super) async fn meanwhile<T>(
        &self,
        end: impl Future<Output = T>,
    ) -> Result<(T, Waits), Fault> {
        let mut requests = JoinSet::new();
        let mut ticks = interval(Duration::from_secs(1) / REQUESTS_PER_SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut waits = Waits { durations: Percentiles::new()?, refused: 0 };
        let mut end = std::pin::pin!(end);
        let mut number = 0;
        let ended = loop {
            tokio::select! {
                ended = &mut end => break ended,
                due = ticks.tick() => {
                    let bystander = self.0[number % self.0.len()].clone();
                    requests.spawn(bystander.ask(number / self.0.len(), due));
                    number += 1;
                }
                Some(done) = requests.join_next() => waits.add(done),
            }
        };
        while let Some(done) = requests.join_next().await {
            waits.add(done);
        }
        Ok((ended, waits))
    }
}

impl Bystander {
    async fn arrive(app: &TestApp) -> Result<Self, Fault> {
        let salon = Person::salon(&database::id("salon"), "Encre Noire");
        let client = Person::client(&database::id("client"), "Camille", "Martin");
        let (anonymous, token) =
            (Rest::from_address(&app.server.url(), ADDRESS)?, app.token(&client)?);
        let rest = anonymous.with_token(&token);
        // The server stores profiles from tokens.
        rest.get("/messaging/conversations/unread/total").await?.expect(200)?;
        let new = json!({ "clientUserId": client.id, "subject": "Rendez-vous" });
        let salon = anonymous.with_token(&app.token(&salon)?);
        let opened = salon.post("/messaging/conversations", &new).await?.expect(201)?;
        let conversation = crate::test_app::text(&opened, "id")?;
        let mut socket = Socket::connect_from(ADDRESS, &app.server.url(), &token).await?;
        socket.discard_events();
        Ok(Self { conversation, socket, rest })
    }

    /// A list, a page, or a send, in turn. Returns how long it took from when it was due, and whether it was
    /// done.
    async fn ask(self: Arc<Self>, turn: usize, due: Instant) -> (Duration, bool) {
        let page = format!("/messaging/conversations/{}/messages", self.conversation);
        let is_done = match turn % 3 {
            0 => self.is_read("/messaging/conversations").await,
            1 => self.is_read(&page).await,
            _ => self.sends().await,
        };
        (due.elapsed(), is_done.unwrap_or(false))
    }

    async fn is_read(&self, path: &str) -> Result<bool, Fault> {
        Ok(self.rest.get(path).await?.status == 200)
    }

    async fn sends(&self) -> Result<bool, Fault> {
        let message = json!({ "conversationId": self.conversation, "content": "Bonjour" });
        Ok(self.socket.call("send-message", &message).await?["ok"] == true)
    }
}

impl Waits {
    fn add(&mut self, done: Result<(Duration, bool), tokio::task::JoinError>) {
        let (taken, is_done) = done.unwrap_or((Duration::MAX, false));
        self.durations.add(taken);
        self.refused += u64::from(!is_done);
    }

    pub(super) fn p99(&self) -> Duration {
        self.durations.quantile(0.99)
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { durations, refused } = self;
        write!(f, "{} | {refused} | {}", durations.count(), durations.cells())
    }
}
