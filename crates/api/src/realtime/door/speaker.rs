//! The task that writes: what waits, pings, and the last word.

use std::{convert::Infallible, rc::Rc, sync::Arc, time::Duration};

use actix_ws::{Closed, Session};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::{
    farewell::CloseReason,
    mailbox::{Mailbox, Outgoing},
    outflow::Outflow,
};

/// Where lines go.
pub(super) struct Sink {
    pub(super) socket: Session,
    pub(super) outflow: Rc<Outflow>,
}

/// Sends what is in `mailbox` until the connection ends, and says why it does.
pub(super) async fn speak(mut sink: Sink, mailbox: Arc<Mailbox>, bounds: socketio::Config) {
    tokio::select! {
        farewell = send_on(&mut sink, &mailbox, &bounds) => mailbox.end(farewell),
        () = mailbox.ended() => {}
    }
    let farewell = mailbox.farewell().unwrap_or(CloseReason::LEFT);
    let patience = Duration::from_millis(bounds.close_timeout_ms);
    let last_words = async {
        if farewell != CloseReason::SLOW_READER {
            drain(&mut sink, &mailbox).await?;
        }
        sink.socket.close(Some(farewell.reason())).await
    };
    if !matches!(timeout(patience, last_words).await, Ok(Ok(()))) {
        tracing::debug!("a plain client did not hear the last word");
    }
}

/// Sends, and pings, until something is wrong. A client that takes nothing cannot hide its silence
/// behind what waits for it.
async fn send_on(sink: &mut Sink, mailbox: &Mailbox, bounds: &socketio::Config) -> CloseReason {
    let between_pings = Duration::from_millis(bounds.ping_interval_ms);
    let patience = between_pings + Duration::from_millis(bounds.ping_timeout_ms);
    tokio::select! {
        _ = write_on(sink, mailbox, between_pings) => CloseReason::LEFT,
        () = mailbox.pulse().lost(patience) => CloseReason::SILENT,
    }
}

async fn write_on(
    sink: &mut Sink,
    mailbox: &Mailbox,
    between_pings: Duration,
) -> Result<Infallible, Closed> {
    let mut pings = interval_at(Instant::now() + between_pings, between_pings);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        drain(sink, mailbox).await?;
        tokio::select! {
            () = mailbox.changed() => {}
            _ = pings.tick() => sink.socket.ping(b"").await?,
        }
    }
}

async fn drain(Sink { socket, outflow }: &mut Sink, mailbox: &Mailbox) -> Result<(), Closed> {
    loop {
        outflow.room().await;
        match mailbox.pop() {
            Some(Outgoing::Line(line)) => {
                outflow.add(line.len());
                socket.text(&*line).await?;
            }
            Some(Outgoing::Pong(bytes)) => socket.pong(&bytes).await?,
            None => return Ok(()),
        }
    }
}
