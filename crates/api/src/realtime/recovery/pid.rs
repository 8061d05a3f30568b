//! Who a client was: the id it knew itself by, for the person it is bound to.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::id::UserId;

use super::key::{Purpose, RecoveryKey};

/// What the bytes mean; another number when that changes.
const VERSION: u8 = 1;

pub(super) fn write(key: &RecoveryKey, socket_id: &str, user: &UserId) -> String {
    let mut body = vec![VERSION];
    body.extend_from_slice(socket_id.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(key.sign(Purpose::Pid, &[user.as_str()], body))
}

/// The socket id in `pid`; `None` when it was not written by us for `user`.
pub(super) fn read(key: &RecoveryKey, pid: &str, user: &UserId) -> Option<String> {
    let signed = BASE64_URL_SAFE_NO_PAD.decode(pid).ok()?;
    let body = key.open(Purpose::Pid, &[user.as_str()], &signed)?;
    let socket_id = body.strip_prefix(&[VERSION])?;
    String::from_utf8(socket_id.to_vec()).ok()
}
