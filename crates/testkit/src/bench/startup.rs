//! Start-up time, and memory after the start.

use std::time::Instant;

use super::{
    Plan,
    figures::{Figure, Section, float},
    millis, start,
    usage::rss_mb,
};
use crate::{Fault, database::Database};

const STARTS: usize = 5;

/// Measures best and worst start-up time, and memory after the start.
pub(super) async fn measure(plan: &Plan, database: &Database) -> Result<Section, Fault> {
    // The first start runs the migrations.
    drop(start(plan, database).await?);
    let mut times = Vec::new();
    let mut memory_mb = 0;
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = start(plan, database).await?;
        times.push(started.elapsed());
        let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
        memory_mb = rss_mb(pid)?;
    }
    times.sort();
    let best = times.first().copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let figures = vec![
        Figure::new("start to ready, best", "ms", 1_000.0 * best.as_secs_f64()),
        Figure::new("start to ready, worst", "ms", 1_000.0 * worst.as_secs_f64()),
        Figure::new("resident memory after the start", "MB", float(memory_mb)),
    ];
    let text = format!(
        "### At rest\n\n\
         | what | figure |\n| --- | ---: |\n\
         | start to ready, best of {STARTS} | {} |\n\
         | start to ready, worst of {STARTS} | {} |\n\
         | resident memory | {memory_mb} MB |\n",
        millis(best),
        millis(worst)
    );
    Ok(Section { text, figures })
}
