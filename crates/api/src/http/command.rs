use domain::id::{ConversationId, UserId};
use tracing::Instrument as _;

use super::Context;
use crate::failure::Failure;

/// Carries `work` to its end even if the caller hangs up meanwhile: what is committed is always
/// told to those it concerns.
///
/// # Errors
/// The failure of `work`; `internal` when it panicked.
pub(super) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work.in_current_span()).await.map_err(Failure::internal)?
}

/// What is said of a body that is not acceptable: `failure` to those who take part; to a stranger
/// that there is no such conversation, whatever the body was.
pub(super) async fn hide_from_strangers(
    failure: Failure,
    context: &Context,
    conversation: &ConversationId,
    user: &UserId,
) -> Failure {
    match context.messaging.conversation(conversation, user).await {
        Ok(_) => failure,
        Err(error) => Failure::of_conversation(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;
    use crate::code::Code;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_any_more() {
        let (let_go, may_go) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let done = Arc::new(AtomicBool::new(false));
        let mark = done.clone();
        let mut command = Box::pin(run_to_completion(async move {
            may_go.await.map_err(Failure::internal)?;
            mark.store(true, Ordering::SeqCst);
            tell.send(()).map_err(|()| Failure::message_not_found())
        }));
        assert!(futures_util::poll!(&mut command).is_pending());
        drop(command);
        assert!(!done.load(Ordering::SeqCst));
        let_go.send(()).expect("the work is still there");
        told.await.expect("the work comes to its end");
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_ours() {
        let failed = run_to_completion::<()>(async { panic!("on purpose") }).await;
        assert_eq!(failed.expect_err("it panicked").code(), Code::Internal);
    }
}
