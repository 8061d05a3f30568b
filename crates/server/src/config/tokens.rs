use std::{path::PathBuf, sync::Arc};

use auth_jwt::{JwtVerifier, KeyError, Settings};
use clap::Args;
use secrecy::SecretString;

use super::{
    fault::{Fault, Faults},
    value::{secret, whole},
};
use crate::clock::SystemClock;

const SECRET: &str = "tokens-secret";
const JWKS_FILE: &str = "tokens-jwks-file";

/// Whose tokens are believed. A secret or a key set is needed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct TokenSettings {
    /// Secret shared with the issuer (HS256), at least 32 bytes
    #[arg(id = SECRET, long, env = "JWT_SECRET", value_name = "SECRET", hide_env_values = true,
        value_parser = secret)]
    secret: Option<SecretString>,

    /// File with the issuer's public keys (RS256, ES256, `EdDSA`) as a JSON Web Key Set
    #[arg(id = JWKS_FILE, long, env = "JWT_JWKS_FILE", value_name = "FILE")]
    jwks_file: Option<PathBuf>,

    /// The `iss` a token must have
    #[arg(id = "tokens-issuer", long, env = "JWT_ISSUER", value_name = "NAME")]
    issuer: Option<String>,

    /// The `aud` that must be among a person's token's
    #[arg(id = "tokens-audience", long, env = "JWT_AUDIENCE", value_name = "NAME")]
    audience: Option<String>,

    /// The `aud` that must be among the token's of a program that calls `/internal`
    #[arg(
        id = "tokens-service-audience",
        long,
        env = "JWT_SERVICE_AUDIENCE",
        value_name = "NAME",
        default_value = auth_jwt::SERVICE_AUDIENCE
    )]
    service_audience: String,

    /// How far the issuer's clock may be off
    #[arg(id = "tokens-leeway-s", long, env = "JWT_LEEWAY_S", value_name = "0..300",
        default_value = "0", value_parser = whole::<u32>(0, 300))]
    leeway_s: u32,
}

impl TokenSettings {
    /// The secret shared with the issuer.
    pub(super) fn secret(&self) -> Option<&SecretString> {
        self.secret.as_ref()
    }

    /// The settings with the key set read from its file, and known to make a verifier.
    pub(super) fn check(&self, faults: &mut Faults) -> Option<Settings> {
        let jwks = self.jwks_file.as_ref().map(std::fs::read_to_string).transpose();
        let jwks = match jwks {
            Ok(jwks) => jwks,
            Err(cause) => {
                faults.note(Fault::new(JWKS_FILE, format!("cannot be read: {}", cause.kind())));
                return None;
            }
        };
        let settings = Settings {
            secret: self.secret.clone(),
            jwks,
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            service_audience: self.service_audience.clone(),
            leeway_s: self.leeway_s,
        };
        match JwtVerifier::new(&settings, Arc::new(SystemClock)) {
            Ok(_) => Some(settings),
            Err(cause) => {
                faults.note(fault_of(cause));
                None
            }
        }
    }
}

fn fault_of(cause: KeyError) -> Fault {
    match cause {
        KeyError::NoKeys => Fault::new(SECRET, "is missing, and so is a key set".to_owned()),
        KeyError::NoSecret | KeyError::SecretTooShort => Fault::new(SECRET, cause.to_string()),
        _ => Fault::new(JWKS_FILE, cause.to_string()),
    }
}
