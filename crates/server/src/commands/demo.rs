//! `demo`: two people and a conversation for a demonstration.

use std::sync::Arc;

use auth_jwt::JwtSigner;
use domain::{
    Services,
    conversation::commands::NewConversation,
    ids::{AppointmentId, InvalidId, UserId},
    participant::{Caller, Profile, Role},
    ports::Clock,
    text::{Content, Subject, TextError},
    time::Timestamp,
};
use serde_json::json;
use storage_pg::PgStore;

use crate::{
    database,
    error::RunError,
    ports::{NoopFanout, SystemClock, SystemIds},
    settings::Config,
};

const TOKEN_LIFETIME_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// Creates the people and their conversation unless they exist; returns their tokens as a line of JSON.
pub(crate) async fn perform(config: &Config) -> Result<String, RunError> {
    if config.general.in_production() {
        return Err(RunError::DemoInProduction);
    }
    let signer = JwtSigner::new(&config.tokens)?;
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    let Services { messaging, directory, .. } =
        Services::new(store, Arc::new(NoopFanout), Arc::new(SystemClock), Arc::new(SystemIds));

    let now = SystemClock.now();
    let script = DemoScript::new(now).map_err(|error| RunError::DemoScript(error.into()))?;
    for person in [&script.salon, &script.client] {
        directory.sync_profile(person).await?;
    }
    let view = messaging.open_conversation(&script.salon, script.conversation).await?;
    let output = json!({
        "salon": { "id": script.salon.user.as_str(), "token": signer.mint(&script.salon, now)? },
        "client": { "id": script.client.user.as_str(), "token": signer.mint(&script.client, now)? },
        "service": { "id": script.service.user.as_str(), "token": signer.mint(&script.service, now)? },
        "conversation": { "id": view.conversation.id.as_str() },
    });
    Ok(format!("{output}\n"))
}

/// The people and the texts of the demonstration.
struct DemoScript {
    salon: Caller,
    client: Caller,
    /// The platform's booking service.
    service: Caller,
    conversation: NewConversation,
}

/// The script violates a rule of the domain.
#[derive(Debug, thiserror::Error)]
enum ScriptError {
    #[error("a name of the demonstration is not a valid id")]
    Id(#[from] InvalidId),
    #[error("a text of the demonstration is out of bounds")]
    Text(#[from] TextError),
}

impl DemoScript {
    fn new(now: Timestamp) -> Result<Self, ScriptError> {
        let expires_at = Timestamp::from_millis(now.as_millis() + TOKEN_LIFETIME_MS);
        let person = |id, role, profile| -> Result<Caller, ScriptError> {
            Ok(Caller { user: UserId::parse(id)?, role, issued_at: Some(now), expires_at, profile })
        };
        let salon_profile = Profile {
            salon_name: Some("Encre Noire".to_owned()),
            email: Some("contact@encre-noire.example".to_owned()),
            ..Profile::default()
        };
        let client_profile = Profile {
            first_name: Some("Camille".to_owned()),
            last_name: Some("Martin".to_owned()),
            email: Some("camille.martin@client.example".to_owned()),
            ..Profile::default()
        };
        let client = person("demo-client", Role::Client, client_profile)?;
        let first_message =
            "Bonjour Camille, votre demande de rendez-vous est bien arrivée. Écrivez-nous ici.";
        Ok(Self {
            salon: person("demo-salon", Role::SalonOwner, salon_profile)?,
            service: person("demo-service", Role::Service, Profile::default())?,
            conversation: NewConversation {
                client: client.user.clone(),
                appointment: Some(AppointmentId::parse("demo-appointment")?),
                subject: Some(Subject::open("RDV Tatouage - démonstration")?),
                first_message: Some(Content::parse(first_message)?),
            },
            client,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_keeps_the_rules_of_the_domain() {
        let script = DemoScript::new(Timestamp::UNIX_EPOCH).expect("a good script");
        assert!(script.salon.role.takes_salon_side() && script.client.role.takes_client_side());
        assert_eq!(script.conversation.client, script.client.user);
        for person in [script.salon, script.client, script.service] {
            assert_eq!(person.profile.check(), Ok(()));
            let lifetime_ms = person.expires_at.expect("an end").as_millis();
            assert_eq!(lifetime_ms, TOKEN_LIFETIME_MS);
        }
    }
}
