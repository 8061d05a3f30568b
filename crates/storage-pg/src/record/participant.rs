//! People.

use diesel::{deserialize::Result, pg::Pg, row::NamedRow, sql_types::Bool};
use domain::{
    ids::UserId,
    participant::{Language, Participant, Profile, Role},
    time::Zone,
};

use super::{Columns, FromColumns};

/// The person in the columns that begin with `prefix`: `<prefix>id`, `<prefix>role` …
pub(crate) fn participant<'a>(row: &impl NamedRow<'a, Pg>, prefix: &str) -> Result<Participant> {
    let is_forgotten = NamedRow::get::<Bool, bool>(row, &format!("{prefix}is_forgotten"))?;
    Ok(Participant { is_forgotten, ..author_of_new(row, prefix)? })
}

/// The same, of somebody who has just said something: whoever was forgotten cannot.
pub(crate) fn author_of_new<'a>(row: &impl NamedRow<'a, Pg>, prefix: &str) -> Result<Participant> {
    let column = |name: &str| format!("{prefix}{name}");
    let detail = |name: &str| row.maybe_text(&column(name));
    let profile = Profile {
        first_name: detail("first_name")?,
        last_name: detail("last_name")?,
        salon_name: detail("salon_name")?,
        image: detail("image")?,
        email: detail("email")?,
        language: row.maybe_parsed(&column("language"), Language::of_locale)?,
        zone: row.maybe_parsed(&column("zone"), Zone::parse)?,
    };
    let id = row.parsed(&column("id"), UserId::parse)?;
    Ok(Participant::new(id, Role::parse(&row.text(&column("role"))?), profile))
}

impl FromColumns for Participant {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        participant(row, "")
    }
}
