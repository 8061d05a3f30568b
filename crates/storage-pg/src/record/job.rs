//! Jobs.

use diesel::{deserialize::Result, pg::Pg, row::NamedRow};
use domain::{
    ids::JobId,
    jobs::{Job, JobView, Task},
};

use super::{Columns, FromColumns, good};

impl FromColumns for Job {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            id: row.parsed("id", JobId::parse)?,
            task: task(row)?,
            attempt: row.small_count("attempts")?,
        })
    }
}

impl FromColumns for JobView {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            id: row.parsed("id", JobId::parse)?,
            task: task(row)?,
            attempts: row.small_count("attempts")?,
            created_at: row.at("created_at")?,
            run_at: row.at("run_at")?,
            dead_at: row.maybe_at("dead_at")?,
            last_failure: row.maybe_text("last_failure")?,
        })
    }
}

fn task<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Task> {
    good("subject", Task::parse(&row.text("kind")?, &row.text("subject")?))
}
