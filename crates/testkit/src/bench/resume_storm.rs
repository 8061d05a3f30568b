//! The resume storm in full.

use crate::{
    Fault,
    resume_load::{self, rage},
    server::Server,
};

/// Lets a storm rage over a fresh server; fails when anybody's view is wrong afterwards.
pub(super) async fn measure(
    server: &mut Server,
    storm: &resume_load::Plan,
) -> Result<String, Fault> {
    let outcome = rage(storm, server).await?;
    let resume_load::Plan { clients, messages_per_second, restarts, cut_after_max, .. } = storm;
    Ok(format!(
        "### Resume storm: {clients} clients, {messages_per_second} messages a second, \
         connections cut after {} to {} s, server killed {restarts} times\n\n{outcome}",
        (*cut_after_max / 4).as_secs_f32(),
        cut_after_max.as_secs_f32(),
    ))
}
