use std::{fmt, sync::Arc};

use domain::{
    ids::UserId,
    participant::{Caller, Profile, Role, tidied_name},
    ports::{Clock, TokenError, TokenVerifier},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value};

use crate::{
    key::KeyRing,
    settings::{KeyError, Settings},
};

/// The longest token, in bytes. Longer ones are refused unread.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Verifies signed tokens. Its `Debug` shows no key.
pub struct JwtVerifier {
    keys: KeyRing,
    terms: Terms,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Reads the keys of `settings`; token lifetimes are checked against `clock`.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or a weak one.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        Ok(Self { keys: KeyRing::new(settings)?, terms: Terms::new(settings), clock })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515, section 4.1.11: a critical header that we do not understand.
        if header.crit.is_some() {
            return None;
        }
        let lock = self.keys.find(&header)?;
        let read = jsonwebtoken::decode::<Claims>(token, lock.material(), &lock.validation);
        read.ok().map(|read| read.claims)
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let claims = self.claims(token).ok_or(TokenError::Invalid)?;
        claims.into_caller(self.clock.now(), &self.terms)
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

const MICROS_PER_MILLI: i128 = 1_000;
const MICROS_PER_SECOND: i128 = 1_000_000;

/// The requirements of a token beside its signature.
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

/// The claims of a token whose signature was checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    user_id: String,
    role: Option<String>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<NumericDate>,
    aud: Option<Value>,
    email: Option<Value>,
    first_name: Option<Value>,
    last_name: Option<Value>,
    salon_name: Option<Value>,
    image: Option<Value>,
}

impl Claims {
    /// The caller, if the token is valid at `now`.
    pub(crate) fn into_caller(self, now: Timestamp, terms: &Terms) -> Result<Caller, TokenError> {
        let role = self.role.as_deref().map_or(Role::Other, Role::parse);
        if !self.is_meant_for_us(role, terms) {
            return Err(TokenError::Invalid);
        }
        let (now, leeway_s) = (now.as_millis(), i64::from(terms.leeway_s));
        let starts = self.nbf.map(|nbf| nbf.plus_seconds(-leeway_s).ceil_millis());
        let ends = self.exp.map(|exp| exp.plus_seconds(leeway_s).floor_millis());
        if starts.is_some_and(|starts| now < starts) {
            return Err(TokenError::Invalid);
        }
        if ends.is_some_and(|ends| now >= ends) {
            return Err(TokenError::Expired);
        }
        Ok(Caller {
            user: UserId::parse(&self.user_id).map_err(|_| TokenError::Invalid)?,
            role,
            // An expiry beyond the calendar means none.
            expires_at: ends.and_then(Timestamp::from_millis),
            profile: self.into_profile(),
        })
    }

    /// A program has more rights than any person, so its token must be for this service, and
    /// expire.
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

/// Seconds since 1970 as a JSON number, which may have a fraction and an exponent (RFC 7519,
/// section 2). Stored in whole microseconds: a fraction is parsed as binary floating point, which
/// is exact enough for current times.
#[derive(Clone, Copy)]
struct NumericDate {
    micros: i128,
}

impl NumericDate {
    fn plus_seconds(self, seconds: i64) -> Self {
        Self { micros: self.micros + i128::from(seconds) * MICROS_PER_SECOND }
    }

    /// The last whole millisecond that is not later, for expiry.
    fn floor_millis(self) -> i64 {
        saturated(self.micros.div_euclid(MICROS_PER_MILLI))
    }

    /// The first whole millisecond that is not earlier, for `nbf`.
    fn ceil_millis(self) -> i64 {
        saturated(-(-self.micros).div_euclid(MICROS_PER_MILLI))
    }
}

/// Accepts any number of seconds that fits a 64-bit integer, and nothing else: neither text nor
/// `null`, and no number such as 1e300.
impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        if let Some(seconds) = number.as_i64() {
            return Ok(Self { micros: i128::from(seconds) * MICROS_PER_SECOND });
        }
        let seconds = number.as_f64().filter(|seconds| seconds.abs() < 2_f64.powi(63));
        let micros = seconds.ok_or_else(|| D::Error::custom("not a time"))? * 1e6;
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and below 2^83")]
        let micros = micros.round() as i128;
        Ok(Self { micros })
    }
}

/// Reads a claim that is present: `null` does not count as absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NumericDate>, D::Error> {
    NumericDate::deserialize(deserializer).map(Some)
}

fn saturated(millis: i128) -> i64 {
    i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX })
}

/// The name in `claim`, tidied, if the directory accepts it.
fn name(claim: &'static str, value: Option<Value>) -> Option<String> {
    let Value::String(text) = value? else {
        left_out(claim);
        return None;
    };
    tidied_name(&text).inspect_err(|_| left_out(claim)).ok().flatten()
}

/// The detail in `claim`, if the directory accepts it. `alone` is a profile with only this detail,
/// so that the bounds are defined in one place.
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
