//! A resume storm: many clients in many conversations whose connections are cut every few seconds, on a
//! server that is killed again and again, while people go on talking. Afterwards each client's view must
//! equal a fresh snapshot (G6): nothing twice, nothing missing, nothing out of order.

mod caller;
mod outcome;
mod snapshot;
mod speaker;
mod stage;
mod view;
mod weather;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use crate::{Fault, server::Server};
use caller::Caller;
pub use outcome::Outcome;
use speaker::Speakers;
use stage::Room;

/// How big a storm.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Clients: five of each conversation, three of its client and two of its salon.
    pub clients: usize,
    /// Messages a second, over all conversations.
    pub messages_per_second: u32,
    /// How often the server is killed and started again.
    pub restarts: usize,
    /// From one restart to the next.
    pub calm: Duration,
    /// The longest that a connection lasts; the shortest is a quarter of it.
    pub cut_after_max: Duration,
}

/// Clients of one conversation.
const CLIENTS_PER_ROOM: usize = 5;

/// Raises the storm and looks at what it leaves.
///
/// # Errors
/// When somebody was told something twice or out of order, or the views differ from a fresh snapshot.
pub async fn rage(plan: &Plan, server: &mut Server) -> Result<Outcome, Fault> {
    let rooms = stage::furnish(server, plan.clients.div_ceil(CLIENTS_PER_ROOM)).await?;
    let (over, until) = watch::channel(false);
    let mut callers = JoinSet::new();
    for number in 0..plan.clients {
        let room = rooms[number / CLIENTS_PER_ROOM].clone();
        let caller = Caller::new(number, room, &server.url(), plan.cut_after_max);
        callers.spawn(caller.call(until.clone()));
    }
    let speakers = Speakers::start(&rooms, &server.url(), plan.messages_per_second, until);
    let weathered = weather::over(plan, server).await;
    over.send_replace(true);
    let receipts = speakers.finish().await?;
    weathered?;
    outcome::judge(callers, &rooms, &server.url(), &receipts).await
}

/// Rooms are shared by everybody in them.
type Rooms = Vec<Arc<Room>>;
