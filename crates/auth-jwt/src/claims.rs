use domain::{
    caller::Caller,
    id::UserId,
    participant::{Profile, Role, tidied_name},
    ports::TokenError,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::Settings;

const MILLIS_PER_SECOND: i64 = 1_000;

/// What is asked of a token beside its signature.
pub(crate) struct Terms {
    audience: Option<String>,
    service_audience: String,
    leeway_s: u32,
}

impl Terms {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            audience: settings.audience.clone(),
            service_audience: settings.service_audience.clone(),
            leeway_s: settings.leeway_s,
        }
    }
}

/// What a token says; its signature is already checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    user_id: String,
    role: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
    aud: Option<Value>,
    email: Option<Value>,
    first_name: Option<Value>,
    last_name: Option<Value>,
    salon_name: Option<Value>,
    image: Option<Value>,
}

impl Claims {
    /// Whom the token names, if it holds at `now`.
    pub(crate) fn into_caller(self, now: Timestamp, terms: &Terms) -> Result<Caller, TokenError> {
        let role = self.role.as_deref().map_or(Role::Other, Role::parse);
        if !self.is_meant_for_us(role, terms) {
            return Err(TokenError::Invalid);
        }
        let (now, leeway_s) = (now.as_millis(), i64::from(terms.leeway_s));
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
            role,
            // An end beyond the calendar's is none.
            expires_at: ends.and_then(Timestamp::from_millis),
            profile: self.into_profile(),
        })
    }

    /// A program may do what no person may, so its token must name this very service, and end.
    fn is_meant_for_us(&self, role: Role, terms: &Terms) -> bool {
        if role == Role::Service {
            return self.exp.is_some() && self.names(&terms.service_audience);
        }
        terms.audience.as_deref().is_none_or(|audience| self.names(audience))
    }

    /// Whether `audience` is the token's, or one of them (RFC 7519, section 4.1.3).
    fn names(&self, audience: &str) -> bool {
        match &self.aud {
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            Some(one) => one == audience,
            None => false,
        }
    }

    fn into_profile(self) -> Profile {
        let empty = Profile::default;
        Profile {
            first_name: name("firstName", self.first_name),
            last_name: name("lastName", self.last_name),
            salon_name: name("salonName", self.salon_name),
            image: kept("image", self.image, |image| Profile { image, ..empty() }),
            email: kept("email", self.email, |email| Profile { email, ..empty() }),
            ..empty()
        }
    }
}

fn millis(second: i64) -> i64 {
    second.saturating_mul(MILLIS_PER_SECOND)
}

/// The name in `claim`, tidied as every one is, if the directory would take it.
fn name(claim: &'static str, value: Option<Value>) -> Option<String> {
    let Value::String(text) = value? else {
        left_out(claim);
        return None;
    };
    tidied_name(&text).inspect_err(|_| left_out(claim)).ok().flatten()
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
        left_out(claim);
    }
    taken
}

fn left_out(claim: &'static str) {
    tracing::warn!(claim, "a detail in a token is no text or out of bounds: left out");
}
