//! Somebody beside the server locks the row of one conversation, as a forgotten `psql` does. All other
//! conversations go on: what their senders and readers wait is measured before, during and after, at a
//! fixed rate (open loop).

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_postgres::Client;

use crate::{
    Fault,
    bench::Percentiles,
    database,
    person::{self, Person},
    rest::Rest,
    server::Server,
    socket::Socket,
    test_app::{TestApp, text},
};

/// The parameters.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Conversations whose rows nobody locks, at least one.
    pub conversations: usize,
    /// Requests a second to them: half of them sends, the rest lists and pages.
    pub per_second: u32,
    /// How long the row is locked.
    pub locked: Duration,
    /// How long is measured before that, and after it.
    pub around: Duration,
}

/// One request in so many also goes to the locked conversation: a send and a page.
const LOCKED_EVERY: usize = 20;
const AT_ONCE: usize = 8;

/// A conversation, and how its client reaches it.
#[derive(Debug)]
struct Room {
    conversation: String,
    socket: Socket,
    rest: Rest,
}

/// Measures on the conversations of `app`, which must be a new one.
///
/// # Errors
/// When something cannot be done.
pub async fn run(plan: &Plan, app: &TestApp) -> Result<Outcome, Fault> {
    let rooms: Vec<_> = stream::iter(0..=plan.conversations)
        .map(|_| Room::open(&app.server))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut rooms: Vec<_> = rooms.into_iter().map(Arc::new).collect();
    let locked = rooms.pop().ok_or_else(|| Fault::new("no conversation"))?;
    // A first round opens connections and prepares statements.
    phase(plan, &rooms, &locked, plan.around / 4, None).await?;
    let before = phase(plan, &rooms, &locked, plan.around, None).await?;
    let holder = app.database.client().await?;
    let lock = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";
    run_sql(&holder, lock).await?;
    holder
        .query_one(
            "SELECT id::text FROM messaging.conversation WHERE id::text = $1 FOR UPDATE",
            &[&locked.conversation],
        )
        .await
        .map_err(Fault::while_doing("lock the row"))?;
    let during = phase(plan, &rooms, &locked, plan.locked, Some(&holder)).await?;
    let after = phase(plan, &rooms, &locked, plan.around, None).await?;
    Ok(Outcome { before, during, after })
}

async fn run_sql(client: &Client, sql: &str) -> Result<(), Fault> {
    client.batch_execute(sql).await.map_err(Fault::while_doing("hold the row"))
}

impl Room {
    async fn open(server: &Server) -> Result<Self, Fault> {
        let salon = Person::salon(&database::id("salon"), "Encre Noire");
        let client = Person::client(&database::id("client"), "Camille", "Martin");
        let salon_token = person::mint(server.secret(), &salon, person::LIFETIME_S)?;
        let client_token = person::mint(server.secret(), &client, person::LIFETIME_S)?;
        let rest = Rest::new(&server.url());
        // The server stores profiles from tokens.
        let client_rest = rest.with_token(&client_token);
        client_rest.get("/messaging/conversations/unread/total").await?.expect(200)?;
        let new = json!({ "clientUserId": client.id, "subject": "Rendez-vous" });
        let opened = rest.with_token(&salon_token).post("/messaging/conversations", &new).await?;
        let conversation = text(&opened.expect(201)?, "id")?;
        let mut socket = Socket::connect(&server.url(), &client_token).await?;
        socket.discard_events();
        Ok(Self { conversation, socket, rest: client_rest })
    }

    fn messages_path(&self) -> String {
        format!("/messaging/conversations/{}/messages", self.conversation)
    }

    /// A send over the socket. Returns whether it was acknowledged.
    async fn send(&self) -> Result<bool, Fault> {
        let message = json!({ "conversationId": self.conversation, "content": "Bonjour" });
        Ok(self.socket.call("send-message", &message).await?["ok"] == true)
    }

    /// A send by REST, which can be one of several at once. Returns whether it was acknowledged.
    async fn post(&self) -> Result<bool, Fault> {
        let body: Value = json!({ "content": "Bonjour" });
        let answer = self.rest.post(&self.messages_path(), &body).await?;
        match answer.status {
            201 => Ok(true),
            503 => Ok(false),
            other => Err(Fault::new(format!("a send was answered {other}"))),
        }
    }

    async fn page(&self) -> Result<bool, Fault> {
        Ok(self.rest.get(&self.messages_path()).await?.status == 200)
    }

    async fn list(&self) -> Result<bool, Fault> {
        Ok(self.rest.get("/messaging/conversations").await?.status == 200)
    }
}

// A phase.

/// What is measured, with its name in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Send,
    List,
    Page,
    /// Reads of the locked conversation.
    LockedPage,
    /// Sends to the locked conversation.
    LockedSend,
}

const ALL: [(What, &str); 5] = [
    (What::Send, "sends to others"),
    (What::List, "lists of others"),
    (What::Page, "pages of others"),
    (What::LockedPage, "pages of the locked one"),
    (What::LockedSend, "sends to the locked one"),
];

/// What was measured of one kind.
#[derive(Clone, Debug)]
struct Measured {
    durations: Percentiles,
    /// Those that were told to try again.
    refused: usize,
}

/// The figures of a phase, in the order of [`ALL`].
#[derive(Clone, Debug)]
struct Phase([Measured; 5]);

impl Phase {
    fn new() -> Result<Self, Fault> {
        let measured = || Ok::<_, Fault>(Measured { durations: Percentiles::new()?, refused: 0 });
        Ok(Self([measured()?, measured()?, measured()?, measured()?, measured()?]))
    }

    fn of(&self, what: What) -> &Measured {
        let place = ALL.iter().position(|(known, _)| *known == what).unwrap_or_default();
        &self.0[place]
    }

    fn add(&mut self, what: What, taken: Duration, is_done: bool) {
        let place = ALL.iter().position(|(known, _)| *known == what).unwrap_or_default();
        let measured = &mut self.0[place];
        measured.durations.add(taken);
        measured.refused += usize::from(!is_done);
    }
}

/// Makes requests for `time`, and waits for all of their answers. Before it waits, what `holder` has
/// locked is released.
async fn phase(
    plan: &Plan,
    rooms: &[Arc<Room>],
    locked: &Arc<Room>,
    time: Duration,
    holder: Option<&Client>,
) -> Result<Phase, Fault> {
    let mut requests = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / plan.per_second.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + time;
    for number in 0.. {
        let due = ticks.tick().await;
        if due >= end {
            break;
        }
        // Two sends, a list, a page; then the next conversation.
        let what = [What::Send, What::Send, What::List, What::Page][number % 4];
        requests.spawn(request(what, rooms[number / 4 % rooms.len()].clone(), due));
        if number.is_multiple_of(LOCKED_EVERY) {
            requests.spawn(request(What::LockedSend, locked.clone(), due));
            requests.spawn(request(What::LockedPage, locked.clone(), due));
        }
    }
    if let Some(holder) = holder {
        run_sql(holder, "ROLLBACK").await?;
    }
    let mut phase = Phase::new()?;
    while let Some(done) = requests.join_next().await {
        let (what, taken, is_done) = done.map_err(Fault::while_doing("make a request"))??;
        phase.add(what, taken, is_done);
    }
    Ok(phase)
}

async fn request(
    what: What,
    room: Arc<Room>,
    due: Instant,
) -> Result<(What, Duration, bool), Fault> {
    let is_done = match what {
        What::Send => room.send().await?,
        What::LockedSend => room.post().await?,
        What::List => room.list().await?,
        What::Page | What::LockedPage => room.page().await?,
    };
    Ok((what, due.elapsed(), is_done))
}

/// The figures.
#[derive(Clone, Debug)]
pub struct Outcome {
    before: Phase,
    during: Phase,
    after: Phase,
}

impl Outcome {
    /// Checks that nobody but the senders of the locked conversation was refused anything, and those only
    /// while it was locked.
    ///
    /// # Errors
    /// Names who was.
    pub fn check(&self) -> Result<(), Fault> {
        let phases = [("before", &self.before), ("during", &self.during), ("after", &self.after)];
        for (when, phase) in phases {
            for (what, name) in ALL {
                let refused = phase.of(what).refused;
                let is_expected = when == "during" && what == What::LockedSend;
                if refused > 0 && !is_expected {
                    return Err(Fault::new(format!("{name}, {when}: {refused} refused")));
                }
            }
        }
        Ok(())
    }

    /// How many sends to the locked conversation were told to try again while it was locked.
    pub fn refused(&self) -> usize {
        self.during.of(What::LockedSend).refused
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| one row locked | when | requests | p50 | p99 | max | told to try again |")?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: | ---: |")?;
        for (what, name) in ALL {
            for (when, phase) in
                [("before", &self.before), ("during", &self.during), ("after", &self.after)]
            {
                let Measured { durations, refused } = phase.of(what);
                let (count, cells) = (durations.count(), durations.cells());
                writeln!(f, "| {name} | {when} | {count} | {cells} | {refused} |")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(change: impl FnOnce(&mut Outcome)) -> Outcome {
        let phase = || Phase::new().expect("histograms");
        let mut outcome = Outcome { before: phase(), during: phase(), after: phase() };
        change(&mut outcome);
        outcome
    }

    #[test]
    fn only_senders_of_the_locked_conversation_may_be_told_to_try_again() {
        let second = Duration::from_secs(1);
        let locked = outcome(|outcome| outcome.during.add(What::LockedSend, second, false));
        assert!(locked.check().is_ok());
        assert_eq!(locked.refused(), 1);
        let other = outcome(|outcome| outcome.during.add(What::Page, second, false));
        let fault = other.check().expect_err("a reader was refused");
        assert_eq!(fault.to_string(), "pages of others, during: 1 refused");
        let late = outcome(|outcome| outcome.after.add(What::LockedSend, second, false));
        assert!(late.check().is_err());
    }
}
