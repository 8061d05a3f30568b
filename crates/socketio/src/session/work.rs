//! What a session asks of the application, as futures that survive its panics.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::{Instant, timeout_at};

use crate::{
    connect::{Accepted, ConnectRequest, Refusal},
    event::Event,
    namespace::{Handler, Namespace},
    reason::DisconnectReason,
    socket::Socket,
};

/// A call into the application under way.
pub(super) type Work = BoxFuture<'static, Outcome>;

/// What came of a call into the application.
pub(super) enum Outcome {
    Accepted(Accepted),
    Refused(Refusal),
    /// `connect` took too long.
    Undecided,
    /// `connect` panicked.
    DecisionPanicked,
    Handled(Box<dyn Handler>),
    /// `event` panicked. The handler is still owed its last call.
    HandlerPanicked(Box<dyn Handler>),
    Left,
}

pub(super) fn decide(
    namespace: Arc<dyn Namespace>,
    request: ConnectRequest,
    socket: Socket,
    deadline: Instant,
) -> Work {
    async move {
        let decision = async { namespace.connect(request, socket).await };
        let decision = AssertUnwindSafe(decision).catch_unwind();
        match timeout_at(deadline, decision).await {
            Ok(Ok(Ok(accepted))) => Outcome::Accepted(accepted),
            Ok(Ok(Err(refusal))) => Outcome::Refused(refusal),
            Ok(Err(_panic)) => Outcome::DecisionPanicked,
            Err(_elapsed) => Outcome::Undecided,
        }
    }
    .boxed()
}

pub(super) fn handle(mut handler: Box<dyn Handler>, event: Event) -> Work {
    async move {
        let handling = async { handler.event(event).await };
        match AssertUnwindSafe(handling).catch_unwind().await {
            Ok(()) => Outcome::Handled(handler),
            Err(_panic) => Outcome::HandlerPanicked(handler),
        }
    }
    .boxed()
}

pub(super) fn say_goodbye(handler: Box<dyn Handler>, reason: DisconnectReason) -> Work {
    async move {
        let goodbye = async { handler.disconnected(reason).await };
        if AssertUnwindSafe(goodbye).catch_unwind().await.is_err() {
            tracing::error!("a handler panicked in its last call");
        }
        Outcome::Left
    }
    .boxed()
}
