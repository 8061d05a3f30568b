//! `erase --list` and `erase --replay`: erased people must stay erased after a restore.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use domain::{
    ids::UserId,
    jobs::JobFailure,
    privacy::{service::Privacy, store::ErasureStore as _},
};
use storage_pg::PgStore;

use crate::{
    cli::EraseArgs,
    database,
    error::RunError,
    ports::{NoopFanout, SystemClock, SystemIds},
    settings::Config,
};

/// How many ids are read at once.
const PAGE_SIZE: u32 = 1_000;

/// Returns the output.
pub(crate) async fn perform(args: &EraseArgs, config: &Config) -> Result<String, RunError> {
    let people = args.replay.as_deref().map(read_ids).transpose()?;
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    match people {
        None => list(&store).await,
        Some(people) => {
            let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
            let [erasures, commits, exports] = [0; 3].map(|_| store.clone());
            let fanout = Arc::new(NoopFanout);
            let privacy = Privacy::new(erasures, commits, exports, store, fanout, clock, ids);
            replay(&privacy, &people).await
        }
    }
    .map_err(RunError::Erase)
}

async fn list(store: &PgStore) -> Result<String, JobFailure> {
    let (mut lines, mut after) = (String::new(), None);
    loop {
        let page = store.erased_people(after, PAGE_SIZE).await?;
        lines.extend(page.iter().map(|person| format!("{person}\n")));
        after = page.last().cloned();
        if after.is_none() {
            return Ok(lines);
        }
    }
}

async fn replay(privacy: &Privacy, people: &[UserId]) -> Result<String, JobFailure> {
    let mut lines = "person\tconversations\tmessages\tfiles\tfinished\n".to_owned();
    for person in people {
        let receipt = privacy.replay_erasure(person).await?;
        let finished = receipt.finished_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let (conversations, messages, files) =
            (receipt.conversations, receipt.messages, receipt.files);
        let _infallible =
            writeln!(lines, "{person}\t{conversations}\t{messages}\t{files}\t{finished}");
    }
    Ok(lines)
}

/// The ids in a file; an error if one line is not an id.
fn read_ids(file: &Path) -> Result<Vec<UserId>, RunError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(RunError::ErasedPeople)?;
    parse_ids(&text)
}

fn parse_ids(text: &str) -> Result<Vec<UserId>, RunError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            UserId::parse(line.trim()).map_err(|_| RunError::ErasedPerson(index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_as_a_whole_or_not_at_all() {
        let people = parse_ids("c1\n\n c2 \r\n").expect("a good list");
        assert_eq!(people.iter().map(UserId::as_str).collect::<Vec<_>>(), ["c1", "c2"]);
        let fault = parse_ids("c1\n\nnot an id\nc2").expect_err("a bad line");
        assert!(matches!(fault, RunError::ErasedPerson(3)), "{fault}");
    }
}
