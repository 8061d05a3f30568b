//! The server's fate: killed without a word and started again, as often as planned.

use tokio::time::sleep;

use super::Plan;
use crate::{Fault, server::Server};

/// Kills and restarts, with a calm before, between and after.
pub(super) async fn over(plan: &Plan, server: &mut Server) -> Result<(), Fault> {
    for _ in 0..plan.restarts {
        sleep(plan.calm).await;
        server.kill_9().await?;
        server.restart().await?;
    }
    sleep(plan.calm).await;
    Ok(())
}
