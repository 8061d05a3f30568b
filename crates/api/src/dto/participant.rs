use domain::participant;
use serde::Serialize;
use utoipa::ToSchema;

/// A participant as shown to the other one. Unknown details are absent, but there is always a name:
/// `firstName` is `Utilisateur` for a person without any name; `firstName` and `lastName` are `Compte`
/// and `supprimé` for an erased person. The e-mail address is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// User id on the platform.
    #[schema(example = "clx1salon", min_length = 1, max_length = 64)]
    pub id: String,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_name: Option<String>,
    /// Salon display name; absent for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_name: Option<String>,
    /// URL of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<String>,
    /// Role on the platform: `client`, `user_salon`, `user`, `user_tatoueur` …
    #[schema(example = "user_salon")]
    pub role: String,
}

impl From<&participant::Participant> for Participant {
    fn from(person: &participant::Participant) -> Self {
        let participant::ShownNames { first, last, salon } = person.shown_names();
        Self {
            id: person.id.to_string(),
            first_name: first.map(str::to_owned),
            last_name: last.map(str::to_owned),
            salon_name: salon.map(str::to_owned),
            image: person.profile.image.clone(),
            role: person.role.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ids::UserId,
        participant::{Profile, Role},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_s_address_is_shown_and_what_is_unknown_is_left_out() {
        let profile = Profile {
            first_name: Some("Léa".to_owned()),
            salon_name: Some("Not a salon".to_owned()),
            email: Some("lea@example.org".to_owned()),
            ..Profile::default()
        };
        assert_eq!(
            shown(&person(profile)),
            json!({"id": "c1", "firstName": "Léa", "role": "client"})
        );
    }

    #[test]
    fn a_nameless_or_erased_person_is_shown_with_a_placeholder_name_and_their_role() {
        let nameless = person(Profile::default());
        assert_eq!(
            shown(&nameless),
            json!({"id": "c1", "firstName": "Utilisateur", "role": "client"})
        );
        let erased = participant::Participant { is_forgotten: true, ..nameless };
        assert_eq!(
            shown(&erased),
            json!({"id": "c1", "firstName": "Compte", "lastName": "supprimé", "role": "client"})
        );
    }

    fn person(profile: Profile) -> participant::Participant {
        let id = UserId::parse("c1").expect("a good id");
        participant::Participant::new(id, Role::Client, profile)
    }

    fn shown(person: &participant::Participant) -> serde_json::Value {
        serde_json::to_value(Participant::from(person)).expect("serialises")
    }
}
