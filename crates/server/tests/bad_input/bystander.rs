//! Somebody who behaves while others do not, and must not notice.

use std::{pin::Pin, time::Duration};

use rig::{Fault, socket::Socket};
use serde_json::json;
use tokio::time::Instant;

use crate::Scene;

/// The longest a bystander may wait, on a machine busy with other tests. Figures are for benchmarks; this
/// tells a server that serves from one that does not.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How much more memory a server may hold than before somebody misbehaved.
const GROWTH_MAX_KB: u64 = 96 * 1_024;

/// Lets somebody misbehave while a bystander goes on using the service; it must answer them in time, and
/// hold no more memory than it may.
pub(crate) async fn beside<T>(
    scene: &Scene,
    mut misbehave: Pin<Box<impl Future<Output = Result<T, Fault>>>>,
) -> Result<T, Fault> {
    let bystander = scene.stage.socket(&scene.salon).await?;
    let here = json!({ "conversationId": scene.conversation });
    bystander.call_ok("mark-conversation-as-read", &here).await?;
    let before_kb = scene.stage.server.memory_kb()?;
    let mut slowest = Duration::ZERO;
    let done = loop {
        let asked = Instant::now();
        tokio::select! {
            done = &mut misbehave => break done?,
            answer = served(&bystander, &here) => answer?,
        }
        slowest = slowest.max(asked.elapsed());
    };
    served(&bystander, &here).await?;
    let growth_kb = scene.stage.server.memory_kb()?.saturating_sub(before_kb);
    assert!(slowest < WAIT_MAX, "a bystander waited {slowest:?}");
    assert!(growth_kb < GROWTH_MAX_KB, "the server holds {growth_kb} kB more");
    Ok(done)
}

async fn served(socket: &Socket, here: &serde_json::Value) -> Result<(), Fault> {
    socket.call_ok("mark-conversation-as-read", here).await.map(drop)
}
