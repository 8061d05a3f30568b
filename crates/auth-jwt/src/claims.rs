use domain::{
    caller::Caller,
    id::UserId,
    participant::{Profile, Role},
    ports::TokenError,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

const MILLIS_PER_SECOND: i64 = 1_000;

/// What a token says; its signature is already checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    user_id: String,
    role: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
    email: Option<Value>,
    first_name: Option<Value>,
    last_name: Option<Value>,
    salon_name: Option<Value>,
    image: Option<Value>,
}

impl Claims {
    /// Whom the token names, if it holds at `now`.
    pub(crate) fn into_caller(self, now: Timestamp, leeway_s: u32) -> Result<Caller, TokenError> {
        let (now, leeway_s) = (now.as_millis(), i64::from(leeway_s));
        let starts = self.nbf.map(|second| millis(second.saturating_sub(leeway_s)));
        let ends = self.exp.map(|second| millis(second.saturating_add(leeway_s)));
        if starts.is_some_and(|starts| now < starts) {
            return Err(TokenError::Invalid);
        }
        if ends.is_some_and(|ends| now >= ends) {
            return Err(TokenError::Expired);
        }
        Ok(Caller {
            user: UserId::parse(&self.user_id).map_err(|_| TokenError::Invalid)?,
            role: self.role.as_deref().map_or(Role::Other, Role::parse),
            // An end beyond the calendar's is none.
            expires_at: ends.and_then(Timestamp::from_millis),
            profile: self.into_profile(),
        })
    }

    fn into_profile(self) -> Profile {
        let empty = Profile::default;
        Profile {
            first_name: kept("firstName", self.first_name, |first_name| Profile {
                first_name,
                ..empty()
            }),
            last_name: kept("lastName", self.last_name, |last_name| Profile {
                last_name,
                ..empty()
            }),
            salon_name: kept("salonName", self.salon_name, |salon_name| Profile {
                salon_name,
                ..empty()
            }),
            image: kept("image", self.image, |image| Profile { image, ..empty() }),
            email: kept("email", self.email, |email| Profile { email, ..empty() }),
        }
    }
}

fn millis(second: i64) -> i64 {
    second.saturating_mul(MILLIS_PER_SECOND)
}

/// The detail in `claim`, if the directory would take it. `alone` is the profile that knows only
/// this detail, so that the bounds stay in one place.
fn kept(
    claim: &'static str,
    value: Option<Value>,
    alone: impl Fn(Option<String>) -> Profile,
) -> Option<String> {
    let text = match value? {
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => Some(text),
        _ => None,
    };
    let taken = text.filter(|text| alone(Some(text.clone())).check().is_ok());
    if taken.is_none() {
        tracing::warn!(claim, "a detail in a token is no text or out of bounds: left out");
    }
    taken
}
