use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use domain::{
    ids::UserId,
    participant::{Caller, Profile, Role, tidied_name},
    ports::{Clock, TokenError, TokenVerifier},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value};

use crate::{
    key::{KeyRing, Signs},
    settings::{KeyError, Settings},
};

/// The longest token, in bytes. Longer ones are refused unread.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Verifies signed tokens. Its `Debug` shows no key.
pub struct JwtVerifier {
    keys: RwLock<Arc<KeyRing>>,
    terms: Terms,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Reads the keys of `settings`; token lifetimes are checked against `clock`.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or a weak one.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let keys = RwLock::new(Arc::new(KeyRing::new(settings)?));
        Ok(Self { keys, terms: Terms::new(settings), clock })
    }

    /// Replaces the keys by those of `settings`; everything else stays as it was.
    ///
    /// # Errors
    /// [`KeyError`]; the former keys stay.
    pub fn replace_keys(&self, settings: &Settings) -> Result<(), KeyError> {
        let keys = Arc::new(KeyRing::new(settings)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn keys(&self) -> Arc<KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The claims, and whose tokens the key signs that signed them.
    fn claims(&self, token: &str) -> Option<(Claims, Signs)> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515, section 4.1.11: a critical header that we do not understand.
        if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_access_type) {
            return None;
        }
        let keys = self.keys();
        keys.find(&header).into_iter().find_map(|lock| {
            let read = jsonwebtoken::decode::<Claims>(token, lock.material(), &lock.validation);
            read.ok().map(|read| (read.claims, lock.signs()))
        })
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let (claims, signs) = self.claims(token).ok_or(TokenError::Invalid)?;
        if !signs.allows(claims.role() == Role::Service) || !claims.is_for_access() {
            return Err(TokenError::Invalid);
        }
        claims.into_caller(self.clock.now(), &self.terms)
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier").field("keys", &self.keys().len()).finish_non_exhaustive()
    }
}

/// Whether `typ` of a header is that of a JWT or an access token (RFC 9068, section 2.1), which may be without the prefix
/// `application/` (RFC 7515, section 4.1.9).
fn is_access_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("application/").unwrap_or(&name);
    matches!(name, "jwt" | "at+jwt")
}

/// How far ahead an expiry may be, in days, of now and of when the token was issued. One further ahead counts as
/// none: it was not meant as one.
pub const EXPIRY_MAX_DAYS: i64 = 400;
const SECONDS_PER_DAY: i64 = 86_400;
/// How far ahead `iat` may be beyond the leeway, in seconds.
const ISSUED_AHEAD_MAX_S: i64 = 60;

const MICROS_PER_MILLI: i128 = 1_000;
const MICROS_PER_SECOND: i128 = 1_000_000;

/// The requirements of a token beside its signature.
pub(crate) struct Terms {
    audience: Option<String>,
    service_audience: String,
    exp_required: bool,
    leeway_s: u32,
}

impl Terms {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            audience: settings.audience.clone(),
            service_audience: settings.service_audience.clone(),
            exp_required: settings.exp_required,
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
    #[serde(default, deserialize_with = "present")]
    iat: Option<NumericDate>,
    #[serde(rename = "token_use")]
    token_use: Option<Value>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    #[serde(rename = "token_type")]
    token_kind: Option<Value>,
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
        let role = self.role();
        if !self.is_meant_for_us(role, terms) {
            return Err(TokenError::Invalid);
        }
        let (now, leeway_s) = (now.as_millis(), i64::from(terms.leeway_s));
        let issued = self.iat.map(|iat| iat.plus_seconds(-leeway_s - ISSUED_AHEAD_MAX_S));
        if issued.is_some_and(|issued| now < issued.ceil_millis()) {
            return Err(TokenError::Invalid);
        }
        // From now, and from when it was issued: one that lives longer would outlive its revocation.
        let since = self.iat.map_or(now, |iat| iat.ceil_millis().min(now));
        let is_soon = |exp: NumericDate| {
            let latest = exp.plus_seconds(-leeway_s - EXPIRY_MAX_DAYS * SECONDS_PER_DAY);
            latest.ceil_millis() <= since
        };
        let must_expire = terms.exp_required || role == Role::Service;
        if must_expire && !self.exp.is_some_and(is_soon) {
            return Err(TokenError::Invalid);
        }
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
            issued_at: self.iat.and_then(|iat| Timestamp::from_millis(iat.floor_millis())),
            // An expiry beyond the calendar means none.
            expires_at: ends.and_then(Timestamp::from_millis),
            profile: self.into_profile(),
        })
    }

    fn role(&self) -> Role {
        self.role.as_deref().map_or(Role::Other, Role::parse)
    }

    /// Whether it is an access token by all that it says of itself. A refresh token lives long, and is for the issuer alone.
    fn is_for_access(&self) -> bool {
        let is_access = |value: &Value| value == "access";
        let is_refresh =
            |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("refresh"));
        let kinds = [&self.kind, &self.token_kind];
        self.token_use.as_ref().is_none_or(is_access)
            && !kinds.into_iter().flatten().any(is_refresh)
    }

    /// A program has more rights than any person, so its token must be for this service.
    fn is_meant_for_us(&self, role: Role, terms: &Terms) -> bool {
        if role == Role::Service {
            return self.names(&terms.service_audience);
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

    /// The last whole millisecond that is not later, for `exp` and `iat`.
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
    tracing::warn!(
        by_client = true,
        claim,
        "a detail in a token is no text or out of bounds: left out"
    );
}
