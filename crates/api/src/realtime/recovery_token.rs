//! What a Socket.IO client carries for us, so that it can be cut off and come back to any node: who
//! it was (`pid`) and where it was (the offset on each event). Both are signed, and bound to the
//! person; the log does the rest (D12).

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    ids::{ConversationId, ID_MAX_CHARS, Seq, UserId},
    ports::Clock,
    time::Timestamp,
};
use socketio::RecoveryRequest;
use uuid::Uuid;

use super::subscriptions::{LastState, Subscription, Subscriptions};
use crate::signing::{Purpose, Signature, Signer};

/// Which Socket.IO clients may go on where they were cut off. For those, every event ends in one more
/// argument, the offset, which is one too many for handlers that count theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// All but those who say `recovery: false` as they connect.
    UnlessDeclined,
    /// Those alone who say `recovery: true`.
    WhenAsked,
    /// To no client.
    Never,
}

impl Offered {
    /// Whether it is, to a client that said this.
    pub(super) fn to(self, wish: Option<bool>) -> bool {
        match self {
            Self::UnlessDeclined => wish != Some(false),
            Self::WhenAsked => wish == Some(true),
            Self::Never => false,
        }
    }
}

/// The most conversations that an offset names. A session that has joined more cannot be recovered,
/// so that no event carries more than a few hundred bytes.
pub(super) const ROOMS_MAX: usize = 8;
/// The offset of a session that cannot be recovered. It takes the place of older ones.
const NO_OFFSET: &str = "-";

/// Writes what the client of one session carries.
#[derive(Clone)]
pub(super) struct RecoveryTokenIssuer {
    key: RecoveryKey,
    socket_id: Arc<str>,
    user: UserId,
    clock: Arc<dyn Clock>,
}

impl RecoveryTokenIssuer {
    /// For the session in which `user` is known as `socket_id`.
    pub(super) fn new(
        key: RecoveryKey,
        socket_id: &str,
        user: UserId,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { key, socket_id: socket_id.into(), user, clock }
    }

    /// The id by which the client comes back; the same for the same session and person.
    pub(super) fn pid(&self) -> String {
        write(&self.key, &self.socket_id, &self.user)
    }

    /// The offset of an event by which a session is at `subscriptions`.
    pub(super) fn offset(&self, subscriptions: &Subscriptions) -> String {
        self.offset_as_of(subscriptions, self.clock.now())
    }

    /// The same, where what happened elsewhere since `at` may not have been sent yet.
    pub(super) fn offset_as_of(&self, subscriptions: &Subscriptions, at: Timestamp) -> String {
        if subscriptions.rooms().len() > ROOMS_MAX {
            return NO_OFFSET.to_owned();
        }
        write_offset(at, subscriptions, &self.key, &self.socket_id, &self.user)
    }
}

/// What a client that comes back has proved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VerifiedRecovery {
    /// The id by which it knew itself.
    pub(super) socket_id: String,
    /// When it was sent the last event.
    pub(super) at: Timestamp,
    /// What it had joined, and up to which position it was sent each.
    pub(super) subscriptions: Subscriptions,
}

impl VerifiedRecovery {
    /// Puts it right: what it says of the session is not newer than how that ended.
    pub(super) fn corrected_by(&mut self, last: &LastState) {
        if self.at <= last.at {
            self.subscriptions.keep(&last.rooms);
        }
    }

    /// Checks what `request` says. `None` when it was not written by us for `user`, or is about a
    /// session that cannot be recovered.
    pub(super) fn check(
        key: &RecoveryKey,
        user: &UserId,
        request: &RecoveryRequest,
    ) -> Option<Self> {
        let socket_id = read(key, &request.pid, user)?;
        let offset = Offset::read(key, &request.offset, &socket_id, user)?;
        Some(Self { socket_id, at: offset.at, subscriptions: offset.subscriptions })
    }
}

// Who a client was: the id it knew itself by, for the person it is bound to.

/// What the bytes mean; another number when that changes.
const PID_VERSION: u8 = 1;

fn write(key: &RecoveryKey, socket_id: &str, user: &UserId) -> String {
    let mut body = vec![PID_VERSION];
    body.extend_from_slice(socket_id.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(key.seal(Kind::Pid, &[user.as_str()], body))
}

/// The socket id in `pid`; `None` when it was not written by us for `user`.
fn read(key: &RecoveryKey, pid: &str, user: &UserId) -> Option<String> {
    let signed = BASE64_URL_SAFE_NO_PAD.decode(pid).ok()?;
    let body = key.open(Kind::Pid, &[user.as_str()], &signed)?;
    let socket_id = body.strip_prefix(&[PID_VERSION])?;
    String::from_utf8(socket_id.to_vec()).ok()
}

// Where a session was, as of one event.

/// What the bytes mean; another number when that changes.
const OFFSET_VERSION: u8 = 1;
const MILLIS_PER_SECOND: i64 = 1_000;

/// Where a session was.
#[derive(Debug, PartialEq, Eq)]
struct Offset {
    /// When; what is finer than a second is cut.
    at: Timestamp,
    /// What it had joined, and up to which position it was sent each.
    subscriptions: Subscriptions,
}

/// The offset as text, valid for `user` in the session `socket_id` only.
fn write_offset(
    at: Timestamp,
    subscriptions: &Subscriptions,
    key: &RecoveryKey,
    socket_id: &str,
    user: &UserId,
) -> String {
    let mut body = Vec::with_capacity(64);
    body.push(OFFSET_VERSION);
    put_number(&mut body, at.as_millis().div_euclid(MILLIS_PER_SECOND).unsigned_abs());
    for room in subscriptions.rooms() {
        put_id(&mut body, &room.conversation);
        put_number(
            &mut body,
            room.delivered_seq.get().unsigned_abs() << 1 | u64::from(room.visible),
        );
    }
    BASE64_URL_SAFE_NO_PAD.encode(key.seal(Kind::Offset, &[socket_id, user.as_str()], body))
}

impl Offset {
    /// Reads what [`write_offset`] wrote; `None` for anything else.
    fn read(key: &RecoveryKey, text: &str, socket_id: &str, user: &UserId) -> Option<Self> {
        let signed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let body = key.open(Kind::Offset, &[socket_id, user.as_str()], &signed)?;
        let mut reader = Reader(body.strip_prefix(&[OFFSET_VERSION])?);
        let seconds = i64::try_from(reader.number()?).ok()?;
        let at = Timestamp::from_millis(seconds.checked_mul(MILLIS_PER_SECOND)?)?;
        let mut rooms = Vec::new();
        while !reader.0.is_empty() {
            rooms.push(room(&mut reader)?);
        }
        Some(Self { at, subscriptions: Subscriptions::new(rooms) })
    }
}

fn room(reader: &mut Reader<'_>) -> Option<Subscription> {
    let conversation = reader.id()?;
    let number = reader.number()?;
    let delivered_seq = Seq::new(i64::try_from(number >> 1).ok()?)?;
    Some(Subscription { conversation, visible: number & 1 == 1, delivered_seq })
}

// Numbers and ids in few bytes.

/// Seven bits of a number go into a byte; the eighth says that more follow.
const MORE: u8 = 0x80;
/// In place of a length: the sixteen bytes of a UUID follow.
const UUID: u8 = 0;

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= u64::from(MORE) {
        out.push(low_bits(number) | MORE);
        number >>= 7;
    }
    out.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & !MORE
}

fn put_id(out: &mut Vec<u8>, id: &ConversationId) {
    match Uuid::try_parse(id.as_str()) {
        Ok(uuid) if ConversationId::from(uuid) == *id => {
            out.push(UUID);
            out.extend_from_slice(uuid.as_bytes());
        }
        _ => {
            // An id has 64 characters at most, so this never cuts.
            out.extend(u8::try_from(id.as_str().len()));
            out.extend_from_slice(id.as_str().as_bytes());
        }
    }
}

/// Takes values from the front; `None` when what is there is no such value.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & !MORE);
            number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & MORE == 0 {
                return Some(number);
            }
        }
        None
    }

    fn id(&mut self) -> Option<ConversationId> {
        let length = usize::from(self.byte()?);
        if length == usize::from(UUID) {
            return Some(Uuid::from_slice(self.take(16)?).ok()?.into());
        }
        let text = std::str::from_utf8(self.take(length.min(ID_MAX_CHARS))?).ok()?;
        ConversationId::parse(text).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }
}

/// How much of a signature is sent, in bytes: 128 bits cannot be guessed.
const TAG_BYTES: usize = 16;

/// The purpose of a [`RecoveryKey`].
#[derive(Debug)]
pub enum ConnectionRecovery {}

impl Purpose for ConnectionRecovery {
    const LABEL: &'static [u8] = b"messaging: connection recovery, 1";
    const NAME: &'static str = "RecoveryKey";
}

/// Signs what clients carry for us.
pub type RecoveryKey = Signer<ConnectionRecovery>;

/// Which of the two it is, so that neither passes for the other.
#[derive(Clone, Copy)]
enum Kind {
    Pid,
    Offset,
}

impl RecoveryKey {
    /// Appends to `body` the signature over it and `context`.
    fn seal(&self, kind: Kind, context: &[&str], mut body: Vec<u8>) -> Vec<u8> {
        let signature = self.sign_body(kind, context, &body);
        body.extend_from_slice(&signature.as_bytes()[..TAG_BYTES]);
        body
    }

    /// What was sealed, without its signature; `None` when that is not ours for this `context`.
    fn open<'a>(&self, kind: Kind, context: &[&str], sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (body, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        self.sign_body(kind, context, body).begins_with(tag).then_some(body)
    }

    fn sign_body(&self, kind: Kind, context: &[&str], body: &[u8]) -> Signature {
        let kind: &[u8] = match kind {
            Kind::Pid => b"p",
            Kind::Offset => b"o",
        };
        // With its length in front, no part can pass for the end of the one before.
        let lengths: Vec<_> =
            context.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let context = lengths.iter().zip(context);
        let mut parts = vec![kind];
        parts.extend(context.flat_map(|(length, part)| [length.as_slice(), part.as_bytes()]));
        parts.push(body);
        self.sign(&parts)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ids::{ConversationId, Seq},
        testing::fixture::{FixedClock, user},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::realtime::subscriptions::Subscription;

    fn key(secret: &str) -> RecoveryKey {
        RecoveryKey::derived_from(secret.as_bytes())
    }

    fn room(id: &str, delivered_seq: i64, visible: bool) -> Subscription {
        let conversation = ConversationId::parse(id).expect("a good id");
        Subscription {
            conversation,
            visible,
            delivered_seq: Seq::new(delivered_seq).expect("not negative"),
        }
    }

    fn ticket(secret: &str, socket_id: &str, who: &str) -> RecoveryTokenIssuer {
        RecoveryTokenIssuer::new(key(secret), socket_id, user(who), Arc::new(FixedClock::ticking()))
    }

    /// What a client that was given these would present.
    fn request(pid: &str, offset: &str) -> RecoveryRequest {
        serde_json::from_value(serde_json::json!({ "pid": pid, "offset": offset })).expect("sound")
    }

    fn rooms() -> impl Strategy<Value = Vec<Subscription>> {
        let uuid = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
        let id = prop_oneof![uuid, "[A-Za-z0-9_-]{1,64}"];
        let one = (id, 0..=i64::MAX >> 1, any::<bool>());
        prop::collection::vec(
            one.prop_map(|(id, delivered_seq, visible)| room(&id, delivered_seq, visible)),
            0..=8,
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(rooms in rooms(), seconds in 0_i64..4_000_000_000) {
            let ticket = ticket("a", "sid", "u1");
            let at = Timestamp::from_millis(seconds * 1_000).expect("in range");
            let subscriptions = Subscriptions::new(rooms);
            let request = request(&ticket.pid(), &ticket.offset_as_of(&subscriptions, at));
            let claim = VerifiedRecovery::check(&key("a"), &user("u1"), &request);
            prop_assert_eq!(claim, Some(VerifiedRecovery { socket_id: "sid".to_owned(), at, subscriptions }));
        }

        #[test]
        fn what_was_touched_is_not_read(rooms in rooms(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
            use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
            let ticket = ticket("a", "sid", "u1");
            let offset = ticket.offset(&Subscriptions::new(rooms));
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&offset).expect("ours");
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            let touched = request(&ticket.pid(), &BASE64_URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &touched), None);
        }

        #[test]
        fn nothing_that_a_client_makes_up_is_read(pid in ".{1,200}", offset in ".{1,200}") {
            prop_assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &request(&pid, &offset)), None);
        }
    }

    #[test]
    fn a_claim_is_its_owner_s_and_of_one_session() {
        let subscriptions = Subscriptions::new(vec![room("c1", 7, true)]);
        let own = ticket("a", "sid", "u1");
        let good = request(&own.pid(), &own.offset(&subscriptions));
        let is_good =
            |secret, who| VerifiedRecovery::check(&key(secret), &user(who), &good).is_some();
        assert!(is_good("a", "u1"));
        assert!(!is_good("a", "u2"));
        assert!(!is_good("b", "u1"));
        let other = ticket("a", "other", "u1");
        let mixed = request(&other.pid(), &own.offset(&subscriptions));
        assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &mixed), None);
        let swapped = request(&own.offset(&subscriptions), &own.pid());
        assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &swapped), None);
    }

    #[test]
    fn a_session_in_too_many_rooms_has_an_offset_that_leads_nowhere() {
        let own = ticket("a", "sid", "u1");
        let rooms = |count: usize| {
            let rooms = (0..count).map(|number| room(&format!("c{number}"), 1, true)).collect();
            Subscriptions::new(rooms)
        };
        let claim = |count| {
            let request = request(&own.pid(), &own.offset(&rooms(count)));
            VerifiedRecovery::check(&key("a"), &user("u1"), &request)
        };
        assert!(claim(ROOMS_MAX).is_some());
        assert_eq!(claim(ROOMS_MAX + 1), None);
    }

    #[test]
    fn an_offset_is_short() {
        let own = ticket("a", "0123456789abcdefghij", "u1");
        let rooms: Vec<_> = (0..ROOMS_MAX)
            .map(|number| room(&Uuid::from_u128(number as u128).to_string(), 100, true))
            .collect();
        for count in [0, 1, 2, ROOMS_MAX] {
            let offset = own.offset(&Subscriptions::new(rooms[..count].to_vec()));
            println!("{count} rooms: {} bytes", offset.len());
            assert!(offset.len() <= 40 + 26 * count, "{offset}");
        }
        println!("pid: {} bytes", own.pid().len());
    }

    #[test]
    fn what_clients_carry_stays_good_whatever_signs_new_ones() {
        let (pid, offset) = ("AXMx_MZUnpDle9MUZmxLfqLX2Q", "AYCkp9oGAnQxC-gt6JS3BkmJYpJLsy-lTL0");
        let read = VerifiedRecovery::check(&key("secret"), &user("c1"), &request(pid, offset));
        let at = Timestamp::from_millis(1_800_000_000_000).expect("in range");
        let subscriptions = Subscriptions::new(vec![room("t1", 5, true)]);
        let expected = VerifiedRecovery { socket_id: "s1".to_owned(), at, subscriptions };
        assert_eq!(read, Some(expected));
        let again = ticket("secret", "s1", "c1");
        let subscriptions = Subscriptions::new(vec![room("t1", 5, true)]);
        assert_eq!(
            (again.pid().as_str(), again.offset_as_of(&subscriptions, at).as_str()),
            (pid, offset)
        );
    }
}
