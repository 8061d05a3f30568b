//! The writing task of a connection: what waits, pings, and the close frame.

use std::{
    cell::Cell,
    collections::VecDeque,
    convert::Infallible,
    fmt,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{self, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use actix_ws::{CloseCode, Closed, Session};
use bytes::Bytes;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};

use crate::{
    error::{Code, Failure},
    realtime::{
        events::OutgoingEvent,
        registry::{DisconnectCause, EventSink, SessionClosed},
        subscriptions::Subscriptions,
    },
};

/// Where lines go.
pub(super) struct Sink {
    pub(super) socket: Session,
    pub(super) outflow: Rc<Outflow>,
}

/// Sends what is in `outbox` until the connection ends, and says why it does.
pub(super) async fn run(mut sink: Sink, outbox: Arc<Outbox>, bounds: socketio::Config) {
    tokio::select! {
        close_reason = send_on(&mut sink, &outbox, &bounds) => outbox.end(close_reason),
        () = outbox.ended() => {}
    }
    let close_reason = outbox.close_reason().unwrap_or(CloseReason::LEFT);
    let time_limit = Duration::from_millis(bounds.close_timeout_ms);
    let closing = async {
        if close_reason != CloseReason::SLOW_READER {
            drain(&mut sink, &outbox).await?;
        }
        sink.socket.close(Some(close_reason.reason())).await
    };
    if !matches!(timeout(time_limit, closing).await, Ok(Ok(()))) {
        tracing::debug!("a plain client did not take the close frame in time");
    }
}

/// Sends, and pings, until something is wrong. A client that takes nothing cannot hide its silence
/// behind what waits for it.
async fn send_on(sink: &mut Sink, outbox: &Outbox, bounds: &socketio::Config) -> CloseReason {
    let between_pings = Duration::from_millis(bounds.ping_interval_ms);
    let time_limit = between_pings + Duration::from_millis(bounds.ping_timeout_ms);
    tokio::select! {
        _ = write_on(sink, outbox, between_pings) => CloseReason::LEFT,
        () = outbox.liveness().lost(time_limit) => CloseReason::SILENT,
    }
}

async fn write_on(
    sink: &mut Sink,
    outbox: &Outbox,
    between_pings: Duration,
) -> Result<Infallible, Closed> {
    let mut pings = interval_at(Instant::now() + between_pings, between_pings);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        drain(sink, outbox).await?;
        tokio::select! {
            () = outbox.changed() => {}
            _ = pings.tick() => sink.socket.ping(b"").await?,
        }
    }
}

async fn drain(Sink { socket, outflow }: &mut Sink, outbox: &Outbox) -> Result<(), Closed> {
    loop {
        outflow.room().await;
        match outbox.pop() {
            Some(Outgoing::Line(line)) => {
                outflow.add(line.len());
                socket.text(&*line).await?;
            }
            Some(Outgoing::Pong(bytes)) => socket.pong(&bytes).await?,
            None => return Ok(()),
        }
    }
}

// How much of what was said to a client its connection has not taken yet. `actix-ws` queues 32
// messages of any size; counting their bytes bounds them, and leaves the others in the mailbox, where
// they count as waiting.

/// Bytes in the queue from which on no further line is put there.
const BYTES_MAX: usize = 64 * 1024;

/// What is on its way to one client. Shared by the tasks of its connection, on one thread.
#[derive(Default)]
pub(super) struct Outflow {
    bytes: Cell<usize>,
    taken: Notify,
}

impl Outflow {
    /// Reports what the connection takes from the body of `response`.
    pub(super) fn watch(self: &Rc<Self>, response: HttpResponse) -> HttpResponse {
        let outflow = self.clone();
        response.map_body(|_, body| BoxBody::new(Watched { body, outflow }))
    }

    /// Waits until another line may be sent, or the connection has ended.
    pub(super) async fn room(&self) {
        while self.bytes.get() >= BYTES_MAX {
            self.taken.notified().await;
        }
    }

    /// A line of so many bytes is on its way.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn take_all(&self) {
        self.bytes.set(0);
        self.taken.notify_one();
    }
}

struct Watched {
    body: BoxBody,
    outflow: Rc<Outflow>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        // A chunk holds all that was in the queue.
        if next.is_ready() {
            self.outflow.take_all();
        }
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.outflow.take_all();
    }
}

// What waits to be sent to one plain client, within bounds.

/// The outgoing lines of one client. To be used from any thread; nothing here waits for the client.
pub(super) struct Outbox {
    messages_max: usize,
    bytes_max: usize,
    waiting: Mutex<Queue>,
    wake: Notify,
    /// Something has left.
    left: Notify,
    ending: watch::Sender<Option<CloseReason>>,
    liveness: Liveness,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// Events: what is no answer to a command.
    backlog: Load,
    answers: Load,
    /// The answer to the newest ping; older ones need none (RFC 6455, 5.5.3).
    pong: Option<Bytes>,
}

struct Line {
    text: Arc<str>,
    is_answer: bool,
}

/// How much waits.
#[derive(Clone, Copy, Default)]
struct Load {
    messages: usize,
    bytes: usize,
}

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    Line(Arc<str>),
    Pong(Bytes),
}

impl Outbox {
    pub(super) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self {
            messages_max,
            bytes_max,
            waiting: Mutex::default(),
            wake: Notify::new(),
            left: Notify::new(),
            ending: watch::Sender::new(None),
            liveness: Liveness::new(),
        }
    }

    /// When its client was last active.
    pub(super) fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// Every change below leaves the state sound even if its thread dies halfway.
    fn waiting(&self) -> MutexGuard<'_, Queue> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line that must not be lost; without room for it the connection ends.
    ///
    /// # Errors
    /// [`SessionClosed`].
    pub(super) fn post(&self, line: &Arc<str>) -> Result<(), SessionClosed> {
        if self.close_reason().is_some() {
            return Err(SessionClosed);
        }
        if !self.take(line, self.messages_max, self.bytes_max) {
            tracing::warn!(
                by_client = true,
                "a plain client reads too slowly; its connection ends"
            );
            self.end(CloseReason::SLOW_READER);
            return Err(SessionClosed);
        }
        Ok(())
    }

    /// Takes a line that the client asked for, for which there is always room: see
    /// [`takes_commands`](Self::takes_commands).
    ///
    /// # Errors
    /// [`SessionClosed`].
    pub(super) fn answer(&self, line: &Arc<str>) -> Result<(), SessionClosed> {
        if self.close_reason().is_some() {
            return Err(SessionClosed);
        }
        self.waiting().push(line.clone(), true);
        self.wake.notify_one();
        Ok(())
    }

    /// Waits until so little of what the client asked for waits that its next command may be
    /// carried out. So answers are bounded by as much as may wait besides, and by those to one
    /// command.
    pub(super) async fn takes_commands(&self) {
        loop {
            let left = self.left.notified();
            let Load { messages, bytes } = self.waiting().answers;
            if messages == 0 || (messages < self.messages_max && bytes < self.bytes_max) {
                return;
            }
            left.await;
        }
    }

    /// Takes a line if that leaves so much room. A line alone is always taken.
    fn take(&self, line: &Arc<str>, messages_max: usize, bytes_max: usize) -> bool {
        let mut waiting = self.waiting();
        let Load { messages, bytes } = waiting.backlog;
        let (messages, bytes) = (messages + 1, bytes + line.len());
        let fits = messages == 1 || (messages <= messages_max && bytes <= bytes_max);
        if fits {
            waiting.push(line.clone(), false);
            self.wake.notify_one();
        }
        fits
    }

    /// Answers a ping.
    pub(super) fn pong(&self, bytes: Bytes) {
        self.waiting().pong = Some(bytes);
        self.wake.notify_one();
    }

    /// What to send next.
    pub(super) fn pop(&self) -> Option<Outgoing> {
        let mut waiting = self.waiting();
        if let Some(bytes) = waiting.pong.take() {
            return Some(Outgoing::Pong(bytes));
        }
        let Line { text, is_answer } = waiting.lines.pop_front()?;
        let load = waiting.load(is_answer);
        load.messages -= 1;
        load.bytes -= text.len();
        drop(waiting);
        self.left.notify_waiters();
        Some(Outgoing::Line(text))
    }

    /// Waits until there may be something to send.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Ends the connection. The first reason counts.
    pub(super) fn end(&self, close_reason: CloseReason) {
        self.ending.send_if_modified(|ending| {
            let is_first = ending.is_none();
            ending.get_or_insert(close_reason);
            is_first
        });
    }

    /// Why the connection ends, if it does.
    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        *self.ending.borrow()
    }

    /// Waits until the connection ends.
    pub(super) async fn ended(&self) {
        // The sender is ours, so it is there as long as we are.
        let _farewell = self.ending.subscribe().wait_for(Option::is_some).await.map(|_| ());
    }
}

impl Queue {
    fn push(&mut self, text: Arc<str>, is_answer: bool) {
        let load = self.load(is_answer);
        load.messages += 1;
        load.bytes += text.len();
        self.lines.push_back(Line { text, is_answer });
    }

    fn load(&mut self, is_answer: bool) -> &mut Load {
        if is_answer { &mut self.answers } else { &mut self.backlog }
    }
}

impl EventSink for Outbox {
    fn send(&self, event: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
        self.post(event.json_line())
    }

    fn answer(&self, event: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
        self.answer(event.json_line())
    }

    fn send_volatile(&self, event: &OutgoingEvent) {
        if self.close_reason().is_none()
            && !self.take(event.json_line(), self.messages_max / 2, self.bytes_max / 2)
        {
            tracing::debug!(
                event = event.name(),
                "a plain client is behind and was spared an event"
            );
        }
    }

    fn silent_for(&self) -> Duration {
        self.liveness.silent_for()
    }

    fn disconnect(&self, cause: DisconnectCause) {
        self.end(match cause {
            DisconnectCause::TokenExpired => CloseReason::TOKEN_ENDED,
            DisconnectCause::Forgotten => CloseReason::FORGOTTEN,
            DisconnectCause::Failed => CloseReason::FAILED,
        });
    }
}

// How a connection ends: a close code, and a word for logs and people.

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    code: u16,
    word: &'static str,
}

impl CloseReason {
    /// The client closed the connection, or it was lost.
    pub(super) const LEFT: Self = Self { code: 1000, word: "goodbye" };
    /// The server stops; others take over.
    pub(super) const GOING_AWAY: Self = Self { code: 1001, word: "going_away" };
    /// RFC 6455 is not kept.
    pub(super) const PROTOCOL: Self = Self { code: 1002, word: "protocol_error" };
    /// Everything here is text.
    pub(super) const BINARY: Self = Self { code: 1003, word: "binary_not_spoken" };
    /// A message is longer than allowed.
    pub(super) const TOO_BIG: Self = Self { code: 1009, word: "message_too_big" };
    /// A task of the connection, or the actor of its session, panicked.
    pub(super) const FAILED: Self = Self { code: 1011, word: "internal_error" };
    /// A message is no JSON object with an `event`, or the first one is not `auth`.
    pub(super) const BAD_MESSAGE: Self = Self { code: 4400, word: "bad_message" };
    /// The token ended.
    pub(super) const TOKEN_ENDED: Self = Self { code: 4401, word: "token_expired" };
    /// The person was erased: their token is not valid any more.
    pub(super) const FORGOTTEN: Self = Self { code: 4401, word: "unauthorized" };
    /// The client did not authenticate in time.
    pub(super) const UNAUTHENTICATED: Self = Self { code: 4408, word: "authentication_timeout" };
    /// A ping was not answered.
    pub(super) const SILENT: Self = Self { code: 4410, word: "ping_timeout" };
    /// More waits for the client than there is room for.
    pub(super) const SLOW_READER: Self = Self { code: 4413, word: "slow_reader" };

    /// The close reason that belongs to a refusal.
    pub(super) fn refusing(failure: &Failure) -> Self {
        let code = match failure.code() {
            Code::Unauthorized | Code::TokenExpired => 4401,
            Code::Forbidden => 4403,
            Code::TooManySessions => 4429,
            _ => 4503,
        };
        Self { code, word: failure.code().as_str() }
    }

    fn reason(self) -> actix_ws::CloseReason {
        actix_ws::CloseReason {
            code: CloseCode::Other(self.code),
            description: Some(self.word.to_owned()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

// Whether a client is alive.

/// When a client was last active. Read from any thread.
pub(super) struct Liveness {
    born: Instant,
    /// In milliseconds since `born`.
    active_after_ms: AtomicU64,
    /// A client is not read while its command is handled, so its silence means nothing.
    is_unread: AtomicBool,
}

impl Liveness {
    pub(super) fn new() -> Self {
        let (active_after_ms, is_unread) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { born: Instant::now(), active_after_ms, is_unread }
    }

    /// Something arrived from the client, or it is not read from now on.
    pub(super) fn beat(&self, is_unread: bool) {
        let after_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.active_after_ms.store(after_ms, Relaxed);
        self.is_unread.store(is_unread, Relaxed);
    }

    /// How long nothing has arrived from the client although it was read.
    pub(super) fn silent_for(&self) -> Duration {
        if self.is_unread.load(Relaxed) { Duration::ZERO } else { self.active_at().elapsed() }
    }

    /// Waits until nothing has arrived from the client for `time_limit` although it was read.
    pub(super) async fn lost(&self, time_limit: Duration) {
        loop {
            let due = self.active_at() + time_limit;
            let now = Instant::now();
            if due > now {
                sleep_until(due).await;
            } else if self.is_unread.load(Relaxed) {
                sleep_until(now + time_limit).await;
            } else {
                return;
            }
        }
    }

    fn active_at(&self) -> Instant {
        self.born + Duration::from_millis(self.active_after_ms.load(Relaxed))
    }
}

#[cfg(test)]
mod outflow_tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_long_line_has_to_be_taken_before_another_follows() {
        let outflow = Rc::new(Outflow::default());
        assert!(outflow.room().now_or_never().is_some());
        outflow.add(BYTES_MAX);
        assert!(outflow.room().now_or_never().is_none());
        drop(Watched { body: BoxBody::new(()), outflow: outflow.clone() });
        assert!(outflow.room().now_or_never().is_some());
    }
}

#[cfg(test)]
mod outbox_tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn line(text: &str) -> Arc<str> {
        text.into()
    }

    #[test]
    fn lines_leave_in_the_order_in_which_they_came_and_a_pong_before_them() {
        let outbox = Outbox::new(8, 100);
        outbox.post(&line("1")).expect("there is room");
        outbox.post(&line("2")).expect("there is room");
        outbox.pong(Bytes::from_static(b"p"));
        assert_eq!(outbox.pop(), Some(Outgoing::Pong(Bytes::from_static(b"p"))));
        assert_eq!(outbox.pop(), Some(Outgoing::Line(line("1"))));
        assert_eq!(outbox.pop(), Some(Outgoing::Line(line("2"))));
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn one_line_too_many_or_too_long_ends_the_connection() {
        for (messages_max, bytes_max) in [(2, 100), (100, 2)] {
            let outbox = Outbox::new(messages_max, bytes_max);
            outbox.post(&line("1")).expect("there is room");
            outbox.post(&line("2")).expect("there is room");
            assert_eq!(outbox.post(&line("3")), Err(SessionClosed));
            assert_eq!(outbox.close_reason(), Some(CloseReason::SLOW_READER));
        }
    }

    #[test]
    fn what_was_asked_for_is_taken_and_holds_the_next_command_up() {
        let outbox = Outbox::new(2, 100);
        outbox.answer(&line(&"x".repeat(300))).expect("there is always room");
        assert!(outbox.takes_commands().now_or_never().is_none());
        for text in ["1", "2"] {
            outbox.post(&line(text)).expect("room as ever");
        }
        assert!(outbox.pop().is_some(), "the answer");
        assert!(outbox.takes_commands().now_or_never().is_some());
        assert_eq!(outbox.post(&line("3")), Err(SessionClosed));
    }

    #[test]
    fn what_may_be_lost_takes_half_of_the_room() {
        let outbox = Outbox::new(4, 100);
        let taken = (0..4).filter(|_| outbox.take(&line("x"), 4 / 2, 50)).count();
        assert_eq!((taken, outbox.close_reason()), (2, None));
    }

    #[test]
    fn the_first_reason_to_end_counts() {
        let outbox = Outbox::new(4, 100);
        outbox.end(CloseReason::GOING_AWAY);
        outbox.end(CloseReason::SILENT);
        assert_eq!(outbox.close_reason(), Some(CloseReason::GOING_AWAY));
    }
}

#[cfg(test)]
mod liveness_tests {
    use futures_util::FutureExt as _;
    use tokio::time::sleep;

    use super::*;

    const TIME_LIMIT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_is_lost_when_it_was_silent_for_too_long() {
        let (liveness, began) = (Liveness::new(), Instant::now());
        sleep(TIME_LIMIT / 2).await;
        liveness.beat(false);
        liveness.lost(TIME_LIMIT).await;
        assert_eq!(began.elapsed(), TIME_LIMIT * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_cannot_be_lost() {
        let liveness = Liveness::new();
        liveness.beat(true);
        sleep(TIME_LIMIT * 10).await;
        assert!(liveness.lost(TIME_LIMIT).now_or_never().is_none());
        liveness.beat(false);
        liveness.lost(TIME_LIMIT).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign_of_life_and_not_while_nobody_reads() {
        let liveness = Liveness::new();
        sleep(TIME_LIMIT).await;
        assert_eq!(liveness.silent_for(), TIME_LIMIT);
        liveness.beat(true);
        sleep(TIME_LIMIT).await;
        assert_eq!(liveness.silent_for(), Duration::ZERO);
        liveness.beat(false);
        sleep(TIME_LIMIT).await;
        assert_eq!(liveness.silent_for(), TIME_LIMIT);
    }
}
