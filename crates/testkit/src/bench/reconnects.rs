//! The load of reconnecting clients.

use crate::{Fault, resume_load, server::Server};

/// Runs the load; fails when a client's view is wrong afterwards.
pub(super) async fn measure(
    server: &mut Server,
    plan: &resume_load::Plan,
) -> Result<String, Fault> {
    let outcome = resume_load::run(plan, server).await?;
    let resume_load::Plan { clients, messages_per_second, restarts, cut_after_max, .. } = plan;
    Ok(format!(
        "### Resume under load: {clients} clients, {messages_per_second} messages a second, \
         connections cut after {} to {} s, server killed {restarts} times\n\n{outcome}",
        (*cut_after_max / 4).as_secs_f32(),
        cut_after_max.as_secs_f32(),
    ))
}
