//! Which uploads are read, and which pictures are decoded, at once: bounded per person and in all, and fair between people.
//!
//! 1. A person has a bounded number of uploads under way. Further ones wait, unread, for the person's own.
//! 2. Received bytes count against a budget in memory from their arrival. An upload that stalls holds what it sent, and
//!    no place that others need.
//! 3. A complete file takes a place. When a decoder is free, the person with the fewest pictures in decoders is next. When
//!    all places are taken, the person with the most gives one up to a person with at least two fewer.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    ids::UserId,
    ports::{Chunks, KeepError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task,
};

use crate::{
    picture::{Kind, Prepared, prepare},
    sanitize::Fault,
    settings::{Bounds, Settings, SettingsError},
};

/// Reads uploads and decodes pictures, each a bounded number at once.
#[derive(Debug)]
pub(crate) struct Workers {
    people: Arc<People>,
    memory: Arc<Semaphore>,
    places: Arc<Places>,
    bounds: Bounds,
}

impl Workers {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        settings.bounds.check()?;
        let (uploads, pictures) = (settings.uploads_at_once_max, settings.pictures_at_once_max);
        let (per_person, waiting) =
            (settings.uploads_per_person_max, settings.uploads_waiting_per_person_max);
        let bytes = settings.upload_bytes_max;
        let file_bytes = u64::from(settings.bounds.file_bytes_max);
        let within = [
            ("uploads_at_once_max", (1..=1_024).contains(&uploads)),
            ("pictures_at_once_max", (1..=64).contains(&pictures)),
            ("uploads_per_person_max", (1..=1_024).contains(&per_person)),
            ("uploads_waiting_per_person_max", waiting <= 1_024),
            ("upload_bytes_max", (file_bytes..=100_000_000_000).contains(&bytes)),
        ];
        if let Some((name, _)) = within.iter().find(|(_, is)| !is) {
            return Err(SettingsError::Bound(name));
        }
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            people: Arc::new(People { per_person, waiting, counts: Mutex::default() }),
            memory: Arc::new(Semaphore::new(bytes)),
            places: Arc::new(Places::new(uploads, pictures)),
            bounds: settings.bounds,
        })
    }

    /// Reads an upload of `owner` to its end, once fewer than the bound of `owner` are under way.
    ///
    /// # Errors
    /// [`KeepError::TooManyAtOnce`] when too many of `owner` wait, [`KeepError::Busy`] when uploads hold all the memory they
    /// may have, [`KeepError::TooLarge`], [`KeepError::Interrupted`].
    pub(crate) async fn read(
        &self,
        owner: &UserId,
        chunks: &mut dyn Chunks,
    ) -> Result<Received, KeepError> {
        let turn = self.people.turn(owner).await?;
        let mut memory: Option<OwnedSemaphorePermit> = None;
        let mut bytes = Vec::new();
        while let Some(piece) = chunks.next().await? {
            if bytes.len() + piece.len() > self.bounds.file_bytes_max as usize {
                return Err(KeepError::TooLarge);
            }
            let len = u32::try_from(piece.len()).map_err(|_| KeepError::TooLarge)?;
            let more = self.memory.clone().try_acquire_many_owned(len);
            let more = more.map_err(|_| KeepError::Busy)?;
            match &mut memory {
                Some(memory) => memory.merge(more),
                None => memory = Some(more),
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Received { bytes, owner: owner.clone(), held: Held { _turn: turn, _memory: memory } })
    }

    /// Takes a place for a complete upload, and prepares its file when it is its turn. The place is held until [`Held`] is
    /// dropped.
    ///
    /// # Errors
    /// [`KeepError::Busy`] when all places are taken by as many people; the faults of the file.
    pub(crate) async fn decode(
        &self,
        received: Received,
        declared: Option<Kind>,
    ) -> Result<(Prepared, Held, Place), KeepError> {
        let Received { bytes, owner, held } = received;
        let (place, decoder) = self.places.decoder(&owner).await?;
        let bounds = self.bounds;
        let prepared = task::spawn_blocking(move || {
            // Decoding continues after its caller was dropped, and holds the decoder until it ends.
            let _decoder = decoder;
            // The place comes back with the file. One that is refused frees it here, not when its caller notices.
            prepare(bytes, declared, &bounds).map(|prepared| (prepared, place))
        });
        match prepared.await {
            Ok(prepared) => {
                let (prepared, place) = prepared?;
                Ok((prepared, held, place))
            }
            // A file that makes a decoder panic must not be stored.
            Err(error) if error.is_panic() => {
                tracing::warn!("a picture decoder panicked");
                Err(Fault::Unreadable.into())
            }
            Err(error) => Err(KeepError::Failed(error.into())),
        }
    }
}

/// A complete file of a person.
#[derive(Debug)]
pub(crate) struct Received {
    bytes: Vec<u8>,
    owner: UserId,
    held: Held,
}

/// What an upload holds until it is stored: the turn of its person, and the memory of its bytes.
#[derive(Debug)]
pub(crate) struct Held {
    _turn: Turn,
    _memory: Option<OwnedSemaphorePermit>,
}

/// The uploads of each person that are under way or wait.
#[derive(Debug)]
struct People {
    per_person: usize,
    waiting: usize,
    counts: Mutex<HashMap<UserId, Person>>,
}

#[derive(Debug)]
struct Person {
    turns: Arc<Semaphore>,
    /// The number of [`Presence`]s.
    present: usize,
}

impl People {
    async fn turn(self: &Arc<Self>, owner: &UserId) -> Result<Turn, KeepError> {
        let (presence, turns) = self.enter(owner)?;
        let permit = turns.acquire_owned().await.map_err(|_| KeepError::Busy)?;
        Ok(Turn { _permit: permit, _presence: presence })
    }

    fn enter(self: &Arc<Self>, owner: &UserId) -> Result<(Presence, Arc<Semaphore>), KeepError> {
        let mut counts = self.lock();
        let new = || Person { turns: Arc::new(Semaphore::new(self.per_person)), present: 0 };
        let person = counts.entry(owner.clone()).or_insert_with(new);
        if person.present >= self.per_person + self.waiting {
            return Err(KeepError::TooManyAtOnce);
        }
        person.present += 1;
        let presence = Presence { people: self.clone(), owner: owner.clone() };
        Ok((presence, person.turns.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Person>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the uploads of a person that are under way.
#[derive(Debug)]
struct Turn {
    // Before the presence: who waits must find the turn free.
    _permit: OwnedSemaphorePermit,
    _presence: Presence,
}

/// One of the uploads of a person that are under way or wait.
#[derive(Debug)]
struct Presence {
    people: Arc<People>,
    owner: UserId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut counts = self.people.lock();
        if let Some(person) = counts.get_mut(&self.owner) {
            person.present -= 1;
            if person.present == 0 {
                counts.remove(&self.owner);
            }
        }
    }
}

/// The places of complete uploads, from the end of their bytes until they are stored.
#[derive(Debug)]
struct Places {
    uploads_max: usize,
    decoders_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The owner of each place, whether its upload waits, is decoded, or is stored.
    taken: Vec<UserId>,
    /// The owner of each picture in a decoder.
    decoding: Vec<UserId>,
    /// In the order of their arrival.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    owner: UserId,
    /// Dropped when the place is given to somebody else.
    decoder: oneshot::Sender<Decoder>,
}

impl Places {
    fn new(uploads_max: usize, decoders_max: usize) -> Self {
        Self { uploads_max, decoders_max, state: Mutex::default() }
    }

    /// Takes a place, and waits for a decoder.
    async fn decoder(self: &Arc<Self>, owner: &UserId) -> Result<(Place, Decoder), KeepError> {
        let (place, decoder) = self.enter(owner)?;
        let decoder = decoder.await.map_err(|_| KeepError::Busy)?;
        Ok((place, decoder))
    }

    fn enter(
        self: &Arc<Self>,
        owner: &UserId,
    ) -> Result<(Place, oneshot::Receiver<Decoder>), KeepError> {
        let mut state = self.lock();
        // Of uploads whose senders are gone.
        state.waiting.retain(|waiting| !waiting.decoder.is_closed());
        if state.taken.len() >= self.uploads_max {
            state.give_way_to(owner)?;
        }
        state.taken.push(owner.clone());
        let (decoder, receiver) = oneshot::channel();
        state.waiting.push_back(Waiting { owner: owner.clone(), decoder });
        drop(state);
        self.start();
        Ok((Place { places: self.clone(), owner: owner.clone() }, receiver))
    }

    /// Hands free decoders to those who wait.
    fn start(self: &Arc<Self>) {
        while let Some((waiting, decoder)) = self.next() {
            // Dropped outside of the lock when its receiver is gone: it frees the decoder again.
            drop(waiting.decoder.send(decoder));
        }
    }

    fn next(self: &Arc<Self>) -> Option<(Waiting, Decoder)> {
        let mut state = self.lock();
        if state.decoding.len() >= self.decoders_max {
            return None;
        }
        let waiting = state.take_next()?;
        state.decoding.push(waiting.owner.clone());
        let decoder = Decoder { places: self.clone(), owner: waiting.owner.clone() };
        Some((waiting, decoder))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes who is next from the queue: of the people with the fewest pictures in decoders, who came first.
    fn take_next(&mut self) -> Option<Waiting> {
        let decoding =
            |owner: &UserId| self.decoding.iter().filter(|other| *other == owner).count();
        let positions = 0..self.waiting.len();
        let next = positions.min_by_key(|position| decoding(&self.waiting[*position].owner))?;
        self.waiting.remove(next)
    }

    /// Ends the last upload that waits of the person with the most places, if that has at least two more than `owner`.
    /// Its place is freed when it notices, so for a moment there may be one place more.
    fn give_way_to(&mut self, owner: &UserId) -> Result<(), KeepError> {
        let places = |owner: &UserId| self.taken.iter().filter(|other| *other == owner).count();
        let positions = 0..self.waiting.len();
        let last = positions.max_by_key(|position| places(&self.waiting[*position].owner));
        let last =
            last.filter(|position| places(&self.waiting[*position].owner) >= places(owner) + 2);
        let waiting = last.and_then(|position| self.waiting.remove(position));
        waiting.map(drop).ok_or(KeepError::Busy)
    }
}

/// The place of a complete upload. Freed when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    owner: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        remove_one(&mut self.places.lock().taken, &self.owner);
    }
}

/// A decoder. Freed for the next who waits when it is dropped.
#[derive(Debug)]
struct Decoder {
    places: Arc<Places>,
    owner: UserId,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        remove_one(&mut self.places.lock().decoding, &self.owner);
        self.places.start();
    }
}

fn remove_one(owners: &mut Vec<UserId>, owner: &UserId) {
    if let Some(position) = owners.iter().position(|other| other == owner) {
        owners.swap_remove(position);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn user(id: &str) -> UserId {
        UserId::parse(id).expect("a good id")
    }

    /// Takes a place for each owner, in order.
    fn entered(places: &Arc<Places>, owners: &[&str]) -> Vec<(Place, oneshot::Receiver<Decoder>)> {
        owners.iter().map(|owner| places.enter(&user(owner)).expect("a place")).collect()
    }

    #[test]
    fn the_decoder_goes_to_whoever_has_none() {
        let places = Arc::new(Places::new(16, 2));
        let mut all = entered(&places, &["a", "a", "a", "b"]);
        let mut decoder = |index: usize| all[index].1.try_recv();
        let first = decoder(0).expect("a free decoder");
        let second = decoder(1).expect("the other one");
        assert!(decoder(2).is_err() && decoder(3).is_err());
        drop(first);
        assert!(decoder(2).is_err(), "a has a decoder");
        let third = decoder(3).expect("b has none, though it came later");
        drop(second);
        assert!(decoder(2).is_ok(), "now a has none");
        drop(third);
    }

    #[test]
    fn a_person_with_two_places_gives_one_up_to_a_newcomer() {
        let places = Arc::new(Places::new(4, 1));
        let mut taken = entered(&places, &["a", "a", "b", "b"]);
        assert!(matches!(places.enter(&user("a")), Err(KeepError::Busy)), "a has two");
        let newcomer = places.enter(&user("c")).expect("a place");
        let lost: Vec<_> = taken
            .iter_mut()
            .map(|(_, decoder)| {
                matches!(decoder.try_recv(), Err(oneshot::error::TryRecvError::Closed))
            })
            .collect();
        assert_eq!(lost, [false, false, false, true], "the last of those that waited");
        drop(newcomer);
    }

    #[test]
    fn with_as_many_people_as_places_the_next_is_told_to_come_back() {
        let places = Arc::new(Places::new(2, 1));
        let taken = entered(&places, &["a", "b"]);
        assert!(matches!(places.enter(&user("c")), Err(KeepError::Busy)));
        drop(taken);
        assert!(places.enter(&user("c")).is_ok());
    }

    #[test]
    fn an_upload_whose_sender_is_gone_neither_waits_nor_keeps_a_decoder() {
        let places = Arc::new(Places::new(3, 1));
        let mut all = entered(&places, &["a", "b", "c"]).into_iter();
        let ((_a, mut a), b, (_c, mut c)) =
            (all.next().expect("a"), all.next().expect("b"), all.next().expect("c"));
        let decoder = a.try_recv().expect("free");
        drop(b);
        drop(decoder);
        assert!(c.try_recv().is_ok(), "b is passed over");
    }

    #[test]
    fn a_person_waits_for_their_own_uploads_and_for_nobody_elses() {
        let people = Arc::new(People { per_person: 2, waiting: 1, counts: Mutex::default() });
        let turn = |id| {
            let (people, user) = (people.clone(), user(id));
            Box::pin(async move { people.turn(&user).await })
        };
        let first = turn("a").now_or_never().expect("at once").expect("a turn");
        let second = turn("a").now_or_never().expect("at once").expect("a turn");
        let mut third = turn("a");
        assert!((&mut third).now_or_never().is_none(), "it waits");
        let fourth = turn("a").now_or_never().expect("at once");
        assert!(matches!(fourth, Err(KeepError::TooManyAtOnce)));
        assert!(turn("b").now_or_never().is_some_and(|turn| turn.is_ok()));
        drop(first);
        let third = third.now_or_never().expect("there is room").expect("a turn");
        drop((second, third));
        assert!(people.lock().is_empty(), "nobody is remembered");
    }
}
