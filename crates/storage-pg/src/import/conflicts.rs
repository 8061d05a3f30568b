//! Conflicts of imported conversations with stored data.

use std::collections::{HashMap, HashSet};

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::import::{ImportOutcome, ImportRow, ImportedConversation, Refusal};

use super::{
    FORGOTTEN, IN_THE_DIRECTORY, found,
    known::{self, Imported, Kind},
};
use crate::{error::Failure, query::prepared};

const HERE: &str = "
SELECT here.id::text AS id, here.salon_id::text AS salon_id, here.client_id::text AS client_id, here.last_seq,
    here.deleted_at IS NOT NULL AS is_deleted
FROM messaging.conversation AS here WHERE here.id = ANY($1) ORDER BY here.id FOR UPDATE";

const MESSAGES: &str = "
SELECT said.id::text AS id, said.conversation_id AS conversation
FROM messaging.message AS said WHERE said.id = ANY($1)";

const FILES: &str = "
SELECT file.id::text AS id, said.conversation_id AS conversation
FROM messaging.attachment AS file JOIN messaging.message AS said ON said.id = file.message_id
WHERE file.id = ANY($1)";

const BOOKINGS: &str = "
SELECT here.salon_id || '/' || here.appointment_id AS id, here.id::text AS conversation
FROM messaging.conversation AS here
WHERE here.salon_id = ANY($1) AND here.appointment_id = ANY($2) AND here.deleted_at IS NULL";

/// A stored conversation, locked.
#[derive(QueryableByName)]
pub(super) struct Existing {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    salon_id: String,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = BigInt)]
    pub(super) last_seq: i64,
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
}

/// A row and the conversation it belongs to.
#[derive(QueryableByName)]
struct Owned {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    conversation: String,
}

type Page = [ImportRow<ImportedConversation>];
type Owners = HashMap<String, String>;

/// All stored rows that a page could conflict with.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) existing: HashMap<String, Existing>,
    known: HashMap<String, Imported>,
    forgotten: HashSet<String>,
    /// `None` in a dry run, which stores nobody.
    directory: Option<HashSet<String>>,
    messages: Owners,
    files: Owners,
    bookings: Owners,
}

impl Conflicts {
    /// Reads what is stored, and locks the conversations of `page`.
    pub(super) async fn find(
        connection: &mut AsyncPgConnection,
        page: &Page,
        is_dry: bool,
    ) -> Result<Self, Failure> {
        let ids: Vec<_> = page.iter().map(|it| it.value.id.as_str()).collect();
        let here: Vec<Existing> =
            prepared(HERE).bind::<Array<Text>, _>(ids.clone()).load(connection).await?;
        let known = known::find(connection, Kind::Conversation, ids).await?;
        let is_known = |it: &&ImportRow<ImportedConversation>| {
            known.get(it.value.id.as_str()).is_some_and(|known| known.is(&it.fingerprint))
        };
        let changed: Vec<_> = page.iter().filter(|it| !is_known(it)).map(|it| &it.value).collect();
        Ok(Self {
            existing: here.into_iter().map(|here| (here.id.clone(), here)).collect(),
            forgotten: found(connection, FORGOTTEN, people(&changed)).await?,
            directory: if is_dry {
                None
            } else {
                Some(found(connection, IN_THE_DIRECTORY, people(&changed)).await?)
            },
            messages: owners(connection, MESSAGES, message_ids(&changed)).await?,
            files: owners(connection, FILES, file_ids(&changed)).await?,
            bookings: bookings(connection, &changed).await?,
            known,
        })
    }

    /// The outcome of each row of `page`. An accepted row can conflict with later ones.
    pub(super) fn outcomes(&self, page: &Page) -> Vec<ImportOutcome> {
        let mut taken = Self::default();
        let outcome = |incoming: &ImportRow<ImportedConversation>| {
            let outcome = self.outcome(incoming);
            if !matches!(outcome, ImportOutcome::New | ImportOutcome::Updated) {
                return outcome;
            }
            if let Some(refusal) = taken.refusal(&incoming.value) {
                return ImportOutcome::Refused(refusal);
            }
            taken.add(&incoming.value);
            outcome
        };
        page.iter().map(outcome).collect()
    }

    fn add(&mut self, taken: &ImportedConversation) {
        let own = |id: &str| (id.to_owned(), taken.id.as_str().to_owned());
        self.messages.extend(taken.messages.iter().map(|it| own(it.id.as_str())));
        let files = taken.messages.iter().flat_map(|it| &it.files);
        self.files.extend(files.map(|it| own(it.id.as_str())));
        self.bookings.extend(booking(taken).map(|booking| own(&booking)));
    }

    /// The outcome of `incoming`, given what was stored before.
    fn outcome(&self, incoming: &ImportRow<ImportedConversation>) -> ImportOutcome {
        let id = incoming.value.id.as_str();
        let known = self.known.get(id);
        if known.is_some_and(|known| known.is(&incoming.fingerprint)) {
            return ImportOutcome::Unchanged;
        }
        let here = self.existing.get(id);
        let refusal = here.and_then(|here| changed_here(here, known, &incoming.value));
        match refusal.or_else(|| self.refusal(&incoming.value)) {
            Some(refusal) => ImportOutcome::Refused(refusal),
            None if here.is_some() => ImportOutcome::Updated,
            None => ImportOutcome::New,
        }
    }

    fn refusal(&self, incoming: &ImportedConversation) -> Option<Refusal> {
        let id = incoming.id.as_str();
        let parties = [incoming.parties.salon.as_str(), incoming.parties.client.as_str()];
        let elsewhere =
            |owners: &Owners, key: &str| owners.get(key).is_some_and(|owner| owner != id);
        let mut messages = incoming.messages.iter();
        let mut files = incoming.messages.iter().flat_map(|it| &it.files);
        if parties.iter().any(|it| self.forgotten.contains(*it)) {
            Some(Refusal::PersonForgotten)
        } else if self
            .directory
            .as_ref()
            .is_some_and(|all| !parties.iter().all(|it| all.contains(*it)))
        {
            Some(Refusal::PersonUnknown)
        } else if messages.any(|it| elsewhere(&self.messages, it.id.as_str())) {
            Some(Refusal::MessageIdTaken)
        } else if files.any(|it| elsewhere(&self.files, it.id.as_str())) {
            Some(Refusal::FileIdTaken)
        } else if booking(incoming).is_some_and(|booking| elsewhere(&self.bookings, &booking)) {
            Some(Refusal::AppointmentTaken)
        } else {
            None
        }
    }
}

/// The booking in the format of `BOOKINGS`.
fn booking(of: &ImportedConversation) -> Option<String> {
    of.appointment.as_ref().map(|appointment| format!("{}/{appointment}", of.parties.salon))
}

/// Why the stored conversation must not be replaced.
fn changed_here(
    here: &Existing,
    known: Option<&Imported>,
    incoming: &ImportedConversation,
) -> Option<Refusal> {
    let parties = (incoming.parties.salon.as_str(), incoming.parties.client.as_str());
    match known {
        None => Some(Refusal::IdTaken),
        Some(_) if here.is_deleted => Some(Refusal::DeletedHere),
        Some(known) if known.last_seq != Some(here.last_seq) => Some(Refusal::WentOnHere),
        Some(_) if (here.salon_id.as_str(), here.client_id.as_str()) != parties => {
            Some(Refusal::OtherPeople)
        }
        Some(_) => None,
    }
}

fn people<'p>(page: &[&'p ImportedConversation]) -> Vec<&'p str> {
    let sides = page.iter().flat_map(|it| [&it.parties.salon, &it.parties.client]);
    let people: HashSet<_> = sides.map(domain::ids::UserId::as_str).collect();
    people.into_iter().collect()
}

fn message_ids<'p>(page: &[&'p ImportedConversation]) -> Vec<&'p str> {
    page.iter().flat_map(|it| &it.messages).map(|it| it.id.as_str()).collect()
}

fn file_ids<'p>(page: &[&'p ImportedConversation]) -> Vec<&'p str> {
    let messages = page.iter().flat_map(|it| &it.messages);
    messages.flat_map(|it| &it.files).map(|it| it.id.as_str()).collect()
}

async fn owners(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    ids: Vec<&str>,
) -> Result<Owners, Failure> {
    let rows: Vec<Owned> = prepared(sql).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.conversation)).collect())
}

async fn bookings(
    connection: &mut AsyncPgConnection,
    page: &[&ImportedConversation],
) -> Result<Owners, Failure> {
    let with =
        page.iter().filter_map(|it| Some((it.parties.salon.as_str(), it.appointment.as_ref()?)));
    let (salons, appointments): (Vec<_>, Vec<_>) =
        with.map(|(salon, appointment)| (salon, appointment.as_str())).unzip();
    let rows: Vec<Owned> = prepared(BOOKINGS)
        .bind::<Array<Text>, _>(salons)
        .bind::<Array<Text>, _>(appointments)
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.conversation)).collect())
}
