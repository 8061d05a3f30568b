//! Who is asking.

use crate::{
    id::UserId,
    participant::{Profile, Role},
    time::Timestamp,
};

/// The person or program behind a request, as its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// What they are on the platform.
    pub role: Role,
    /// When the token ends; `None` for a token that does not.
    pub expires_at: Option<Timestamp>,
    /// What the token says of the person, if anything.
    pub profile: Profile,
}
