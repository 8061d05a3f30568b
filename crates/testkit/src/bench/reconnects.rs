//! The load of reconnecting clients.

use super::figures::{Figure, Section, float};
use crate::{Fault, resume_load, server::Server};

/// Runs the load; fails when a client's view is wrong afterwards.
pub(super) async fn measure(
    server: &mut Server,
    plan: &resume_load::Plan,
) -> Result<Section, Fault> {
    let outcome = resume_load::run(plan, server).await?;
    let resume_load::Plan { clients, messages_per_second, restarts, cut_after_max, .. } = plan;
    let load = format!("{clients} clients, {messages_per_second} messages/s, {restarts} kills");
    let counts = [
        ("messages", "messages", outcome.messages),
        ("reconnects", "reconnects", outcome.reconnects),
        ("recovered", "reconnects", outcome.recovered),
        ("resyncs", "events", outcome.resyncs),
    ];
    let figure = |(name, unit, count)| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Figure::new(format!("{load}: {name}"), unit, float(count))
    };
    let figures = counts.map(figure).to_vec();
    let text = format!(
        "### Resume under load: {clients} clients, {messages_per_second} messages a second, \
         connections cut after {} to {} s, server killed {restarts} times\n\n{outcome}",
        (*cut_after_max / 4).as_secs_f32(),
        cut_after_max.as_secs_f32(),
    );
    Ok(Section { text, figures })
}
