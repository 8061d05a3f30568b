//! Where a session was, as of one event.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{id::UserId, seq::Seq, time::Timestamp};

use super::{
    super::subscriptions::{Subscription, Subscriptions},
    bytes::{Reader, put_id, put_number},
    key::{Purpose, RecoveryKey},
};

/// What the bytes mean; another number when that changes.
const VERSION: u8 = 1;
const MILLIS_PER_SECOND: i64 = 1_000;

/// Where a session was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// When; what is finer than a second is cut.
    pub(super) at: Timestamp,
    /// What it had joined, and how far it was told there.
    pub(super) subscriptions: Subscriptions,
}

impl Offset {
    /// The offset as text, for `user` in the session `socket_id` and nobody else.
    pub(super) fn write(&self, key: &RecoveryKey, socket_id: &str, user: &UserId) -> String {
        let mut body = vec![VERSION];
        put_number(&mut body, self.at.as_millis().div_euclid(MILLIS_PER_SECOND).unsigned_abs());
        for room in self.subscriptions.rooms() {
            put_id(&mut body, &room.conversation);
            put_number(&mut body, room.told.get().unsigned_abs() << 1 | u64::from(room.visible));
        }
        let signed = key.sign(Purpose::Offset, &[socket_id, user.as_str()], body);
        BASE64_URL_SAFE_NO_PAD.encode(signed)
    }

    /// Reads what [`write`](Self::write) wrote; `None` for anything else.
    pub(super) fn read(
        key: &RecoveryKey,
        text: &str,
        socket_id: &str,
        user: &UserId,
    ) -> Option<Self> {
        let signed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let body = key.open(Purpose::Offset, &[socket_id, user.as_str()], &signed)?;
        let mut reader = Reader(body.strip_prefix(&[VERSION])?);
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
    let told = Seq::new(i64::try_from(number >> 1).ok()?)?;
    Some(Subscription { conversation, visible: number & 1 == 1, told })
}
