use secrecy::{ExposeSecret, SecretString};

/// The shortest secret, in bytes: the length of the hash (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;

/// The default audience of programs' tokens.
pub const SERVICE_AUDIENCE: &str = "messaging";

/// The trusted issuers. Its `Debug` hides the secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The secret shared with the issuer, for HS256. At least [`SECRET_MIN_BYTES`] bytes.
    pub secret: Option<SecretString>,
    /// The former secret, which still verifies tokens, for a changeover. Nothing is signed with it.
    pub previous_secret: Option<SecretString>,
    /// The secret that signs programs' tokens (HS256). With it no other key verifies a program, and it verifies no person.
    pub service_secret: Option<SecretString>,
    /// The text of a JSON Web Key Set (RFC 7517) with the issuer's public keys.
    pub jwks: Option<String>,
    /// The required `iss`. `None`: any, or none.
    pub issuer: Option<String>,
    /// The `aud` required of a person's token. `None`: any, or none.
    pub audience: Option<String>,
    /// The `aud` required of a program's token, instead of [`audience`](Self::audience).
    pub service_audience: String,
    /// Whether a person's token must expire. A program's always must.
    pub exp_required: bool,
    /// The clock tolerance, in seconds: a token is valid this much earlier and later than it says.
    pub leeway_s: u32,
}

impl Default for Settings {
    /// Without a key: every token is refused.
    fn default() -> Self {
        Self {
            secret: None,
            previous_secret: None,
            service_secret: None,
            jwks: None,
            issuer: None,
            audience: None,
            service_audience: SERVICE_AUDIENCE.to_owned(),
            exp_required: true,
            leeway_s: 0,
        }
    }
}

impl Settings {
    /// The secret that signs, if one is set and good.
    pub(crate) fn checked_secret(&self) -> Result<Option<&[u8]>, KeyError> {
        self.secret.as_ref().map(checked).transpose()
    }
}

/// The bytes of a secret that is long enough and cannot be guessed.
pub(crate) fn checked(secret: &SecretString) -> Result<&[u8], KeyError> {
    let text = secret.expose_secret();
    if text.len() < SECRET_MIN_BYTES {
        return Err(KeyError::SecretTooShort);
    }
    if is_guessable(text) { Err(KeyError::SecretGuessable) } else { Ok(text.as_bytes()) }
}

/// Words of secrets in documentation, examples and templates, compared without case, blanks and punctuation.
const DOCUMENTED: [&str; 10] = [
    "secretsharedwiththeissuer",
    "atleast32bytes",
    "yoursecret",
    "yourjwtsecret",
    "supersecret",
    "changeme",
    "changethis",
    "replaceme",
    "replacewith",
    "notforproduction",
];

/// Whether a secret is one character or a short word repeated, or comes from documentation.
pub fn is_guessable(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    // Fewer than four different bytes, or a repetition of at most eight: `aaaa…`, `abababab…`, `12345678…`.
    let mut distinct = bytes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let repeats = |period: usize| bytes.iter().zip(bytes.iter().skip(period)).all(|(a, b)| a == b);
    let repeated = bytes.len() > 8 && (1..=8).any(repeats);
    let plain: String =
        secret.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    distinct.len() < 4 || repeated || DOCUMENTED.iter().any(|words| plain.contains(words))
}

/// Why no verifier or signer could be created. Positions in the key set count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a secret nor a key set is set.
    #[error("there is neither a shared secret nor a key set")]
    NoKeys,
    /// Signing requires a secret.
    #[error("there is no shared secret")]
    NoSecret,
    /// The secret is shorter than [`SECRET_MIN_BYTES`].
    #[error("the shared secret is shorter than {SECRET_MIN_BYTES} bytes")]
    SecretTooShort,
    /// The secret is a repetition, or comes from documentation.
    #[error("the shared secret can be guessed: it repeats itself or comes from an example")]
    SecretGuessable,
    /// The text is not JSON, or not a key set.
    #[error("the key set is no JSON Web Key Set (line {line}, column {column})")]
    NotAKeySet {
        /// The line of the error.
        line: usize,
        /// The column of the error.
        column: usize,
    },
    /// The set has no signature key.
    #[error("the key set has no key for signatures")]
    NoSigningKey,
    /// The key is not for RS256, ES256 or `EdDSA` (Ed25519), or declares another algorithm than its
    /// type has.
    #[error("key {position} of the key set is not for RS256, ES256 or EdDSA")]
    UnsupportedKey {
        /// Which key.
        position: usize,
    },
    /// The key has a value of the wrong size, or an RSA modulus below 2,048 bits.
    #[error("key {position} of the key set is malformed or too weak")]
    BadKey {
        /// Which key.
        position: usize,
    },
    /// An earlier key has the same id (`kid`).
    #[error("key {position} of the key set has the name of a key before it")]
    NameTaken {
        /// Which key.
        position: usize,
    },
}
