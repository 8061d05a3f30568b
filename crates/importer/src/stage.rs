//! What is taken over, in which order.

mod conversations;
mod mail;
mod people;
mod preferences;

use futures_util::future::join;

use crate::{ImportError, Settings, SourceError, Tally, run::Run, source::Source};

/// How far an import got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The word of the stage.
    pub(crate) stage: String,
    /// The key of the last row that was done.
    pub(crate) after: String,
}

/// One kind of things, page by page.
trait Stage {
    /// What names the stage in a mark.
    const WORD: &'static str;
    /// What a page is made of.
    type Row;

    /// The page behind the row with the key `after`; empty at the end.
    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<Self::Row>, SourceError>;

    /// The key of `row`.
    fn key(row: &Self::Row) -> String;

    /// Takes over `rows`, which stand behind `place`.
    async fn take(
        run: &mut Run<'_>,
        rows: Vec<Self::Row>,
        place: &Place,
    ) -> Result<(), ImportError>;
}

/// Takes over everything, or what is left behind `from`.
pub(crate) async fn all(
    source: &mut Source,
    mut run: Run<'_>,
    from: Option<Place>,
) -> Result<Tally, ImportError> {
    let words = [
        people::People::WORD,
        conversations::Conversations::WORD,
        preferences::Preferences::WORD,
        mail::Mail::WORD,
    ];
    let place = from.unwrap_or_default();
    let first = words.iter().position(|word| *word == place.stage).unwrap_or_default();
    for (number, word) in words.into_iter().enumerate().skip(first) {
        let after = if word == place.stage { place.after.as_str() } else { "" };
        match number {
            0 => pages::<people::People>(source, &mut run, after).await?,
            1 => pages::<conversations::Conversations>(source, &mut run, after).await?,
            2 => pages::<preferences::Preferences>(source, &mut run, after).await?,
            _ => pages::<mail::Mail>(source, &mut run, after).await?,
        }
    }
    let closed = source.closed_mail().await?;
    run.tally().note_closed_mail(closed);
    run.finish().await
}

/// Takes over one kind of things. While a page is written, the next one is read.
async fn pages<S: Stage>(
    source: &mut Source,
    run: &mut Run<'_>,
    after: &str,
) -> Result<(), ImportError> {
    let settings = run.settings().clone();
    let mut place = Place { stage: S::WORD.to_owned(), after: after.to_owned() };
    let mut rows = S::read(source, after, &settings).await?;
    while let Some(last) = rows.last() {
        let last = S::key(last);
        if last == place.after {
            // Of a source that holds what is not UTF-8: what stands behind such a key is not found.
            return Err(SourceError(format!("the {} do not go on behind a row", S::WORD)).into());
        }
        let (taken, next) =
            join(S::take(run, rows, &place), S::read(source, &last, &settings)).await;
        taken?;
        run.page_done();
        place.after = last;
        rows = next?;
    }
    Ok(())
}
