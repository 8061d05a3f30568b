//! People in the directory.

pub mod directory;
pub mod store;

use std::fmt;

use crate::{
    ids::UserId,
    text::{is_blank, tidied_line},
    time::{Timestamp, Zone},
};

/// Shown for a person without a name. Always French: it replaces a name, and names are not
/// translated.
pub const NAMELESS: &str = "Utilisateur";
/// Given and family name shown for a forgotten person; always French, as [`NAMELESS`].
pub const FORGOTTEN: (&str, &str) = ("Compte", "supprimé");
/// The longest name, in characters.
pub const NAME_MAX_CHARS: usize = 200;
/// The longest e-mail address, in characters (RFC 5321, 4.5.3.1.3: a path of 256 with its brackets).
pub const EMAIL_MAX_CHARS: usize = 254;
/// The longest URL of a picture, in characters.
pub const IMAGE_MAX_CHARS: usize = 2_048;

/// A person's role on the platform. It decides which side of a conversation they may take; inside a
/// conversation all permissions come from its two participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `client`: books appointments. Takes the client side.
    Client,
    /// `user_salon`: owns a salon.
    SalonOwner,
    /// `user`: owns a salon, with an older kind of account.
    LegacySalon,
    /// `user_tatoueur`: an artist, independent or employed by a salon.
    Artist,
    /// `admin`, `formateur`: staff of the platform, on neither side.
    Admin,
    /// See [`Role::Admin`].
    Trainer,
    /// `service`: another program of the platform.
    Service,
    /// Any other role, or none.
    Other,
}

const ROLES: [(Role, &str); 8] = [
    (Role::Client, "client"),
    (Role::SalonOwner, "user_salon"),
    (Role::LegacySalon, "user"),
    (Role::Artist, "user_tatoueur"),
    (Role::Admin, "admin"),
    (Role::Trainer, "formateur"),
    (Role::Service, "service"),
    (Role::Other, "other"),
];

impl Role {
    /// Parses the platform's word; an unknown one is [`Role::Other`].
    pub fn parse(word: &str) -> Self {
        ROLES.iter().find(|(_, known)| *known == word).map_or(Self::Other, |(role, _)| *role)
    }

    /// The platform's word.
    pub fn as_str(self) -> &'static str {
        ROLES.iter().find(|(role, _)| *role == self).map_or("other", |(_, word)| word)
    }

    /// Whether the role takes the salon side, and may open conversations.
    pub fn takes_salon_side(self) -> bool {
        matches!(self, Self::SalonOwner | Self::LegacySalon | Self::Artist)
    }

    /// Whether the role takes the client side.
    pub fn takes_client_side(self) -> bool {
        self == Self::Client
    }
}

/// A person of the directory. Its `Debug` shows id and role only.
#[derive(Clone, PartialEq, Eq)]
pub struct Participant {
    /// Their id.
    pub id: UserId,
    /// Their role.
    pub role: Role,
    /// Their details; empty for a forgotten person.
    pub profile: Profile,
    /// Whether they were forgotten (erased). Their profile stays empty.
    pub is_forgotten: bool,
}

/// The names of a person as others see them; at least one is present.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShownNames<'p> {
    /// Given name.
    pub first: Option<&'p str>,
    /// Family name.
    pub last: Option<&'p str>,
    /// The salon's name; absent for clients.
    pub salon: Option<&'p str>,
}

/// The details of a person, all optional.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The salon's display name.
    pub salon_name: Option<String>,
    /// URL of their picture.
    pub image: Option<String>,
    /// Their e-mail address. Never shown to anyone else.
    pub email: Option<String>,
    /// The language of mails and notices to them.
    pub language: Option<Language>,
    /// Their time zone; for a salon, the one in which its bookings take place.
    pub zone: Option<Zone>,
}

/// Tidies a name with [`tidied_line`]; `None` when no visible character is left.
///
/// # Errors
/// [`InvalidProfile`] when it is longer than [`NAME_MAX_CHARS`] after that.
pub fn tidied_name(name: &str) -> Result<Option<String>, InvalidProfile> {
    let name = tidied_line(name);
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(InvalidProfile);
    }
    Ok((!is_blank(&name)).then_some(name))
}

/// A name, address or picture is longer than allowed or holds a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a detail of the person is too long or holds a control character")]
pub struct InvalidProfile;

impl Profile {
    /// Checks the bounds of every detail.
    ///
    /// # Errors
    /// [`InvalidProfile`] when one is longer than its bound or holds a control character.
    pub fn check(&self) -> Result<(), InvalidProfile> {
        let bounds = [
            (&self.first_name, NAME_MAX_CHARS),
            (&self.last_name, NAME_MAX_CHARS),
            (&self.salon_name, NAME_MAX_CHARS),
            (&self.image, IMAGE_MAX_CHARS),
            (&self.email, EMAIL_MAX_CHARS),
        ];
        let fits =
            |text: &str, max| text.chars().count() <= max && !text.chars().any(char::is_control);
        if bounds.iter().all(|(text, max)| text.as_deref().is_none_or(|text| fits(text, *max))) {
            Ok(())
        } else {
            Err(InvalidProfile)
        }
    }

    /// This profile with the details of `newer`; details missing there stay.
    #[must_use]
    pub fn updated_with(&self, newer: &Self) -> Self {
        let pick = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
        Self {
            first_name: pick(&newer.first_name, &self.first_name),
            last_name: pick(&newer.last_name, &self.last_name),
            salon_name: pick(&newer.salon_name, &self.salon_name),
            image: pick(&newer.image, &self.image),
            email: pick(&newer.email, &self.email),
            language: newer.language.or(self.language),
            zone: newer.zone.clone().or_else(|| self.zone.clone()),
        }
    }

    /// Whether all details are missing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Participant {
    /// A person who was not forgotten.
    pub fn new(id: UserId, role: Role, profile: Profile) -> Self {
        Self { id, role, profile, is_forgotten: false }
    }

    /// The names of this person as others see them: the known ones, [`FORGOTTEN`] for a forgotten
    /// person, [`NAMELESS`] for one without a name.
    pub fn shown_names(&self) -> ShownNames<'_> {
        if self.is_forgotten {
            let (first, last) = FORGOTTEN;
            return ShownNames { first: Some(first), last: Some(last), salon: None };
        }
        let Profile { first_name, last_name, salon_name, .. } = &self.profile;
        let (first, last) =
            (visible_name(first_name.as_deref()), visible_name(last_name.as_deref()));
        let salon = visible_name(salon_name.as_deref()).filter(|_| !self.role.takes_client_side());
        let is_nameless = first.or(last).or(salon).is_none();
        ShownNames { first: first.or(is_nameless.then_some(NAMELESS)), last, salon }
    }

    /// The display name: the salon's name, else given and family name, as
    /// [shown](Self::shown_names).
    pub fn display_name(&self) -> String {
        let ShownNames { first, last, salon } = self.shown_names();
        match salon {
            Some(salon) => salon.to_owned(),
            None => [first, last].into_iter().flatten().collect::<Vec<_>>().join(" "),
        }
    }
}

/// The name, if it has a visible character.
fn visible_name(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !is_blank(name))
}

crate::opaque_debug!(ShownNames<'_>);

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("id", &self.id)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

crate::opaque_debug!(Profile);

// The caller of a request.

/// The person or program behind a request, from its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their id.
    pub user: UserId,
    /// Their role on the platform.
    pub role: Role,
    /// When the token was issued; `None` when it does not say.
    pub issued_at: Option<Timestamp>,
    /// When the token expires; `None` for a token that does not.
    pub expires_at: Option<Timestamp>,
    /// The profile in the token's claims; empty if there is none.
    pub profile: Profile,
}

// The languages of mails and texts.

/// A language; French by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// `fr`.
    #[default]
    French,
    /// `en`.
    English,
}

impl Language {
    /// The language of a locale such as `en-GB` (BCP 47) or `en_GB`; `None` for unsupported
    /// languages.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The language's code (ISO 639-1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod participant_tests {
    use super::*;

    fn person(first: Option<&str>, last: Option<&str>, salon: Option<&str>) -> Participant {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let profile = Profile {
            first_name: own(first),
            last_name: own(last),
            salon_name: own(salon),
            ..Profile::default()
        };
        Participant::new(UserId::parse("u1").expect("a good id"), Role::SalonOwner, profile)
    }

    #[test]
    fn a_person_is_called_by_the_best_name_there_is() {
        let table = [
            ((Some("Léa"), Some("Roux"), Some("Encre Noire")), "Encre Noire"),
            ((Some("Léa"), Some("Roux"), Some("  ")), "Léa Roux"),
            ((None, Some("Roux"), None), "Roux"),
            ((None, None, None), "Utilisateur"),
            ((Some(" "), Some("\u{200b}"), Some("")), "Utilisateur"),
        ];
        for ((first, last, salon), name) in table {
            assert_eq!(person(first, last, salon).display_name(), name);
        }
        // A client has no salon name.
        let client = Participant {
            role: Role::Client,
            ..person(Some("Léa"), Some("Roux"), Some("Encre Noire"))
        };
        assert_eq!(client.display_name(), "Léa Roux");
        let nameless = Participant { role: Role::Client, ..person(None, None, Some("Encre")) };
        assert_eq!(nameless.display_name(), "Utilisateur");
        for salon in [None, Some("Encre Noire")] {
            let forgotten = Participant { is_forgotten: true, ..person(None, None, salon) };
            assert_eq!(forgotten.display_name(), "Compte supprimé");
        }
    }

    #[test]
    fn there_is_always_a_name_to_show() {
        let shown = |person: &Participant| {
            let ShownNames { first, last, salon } = person.shown_names();
            [first, last, salon].map(|name| name.map(str::to_owned))
        };
        let names = |names: [Option<&str>; 3]| names.map(|name| name.map(str::to_owned));
        let table = [
            ((Some("Léa"), None, None), [Some("Léa"), None, None]),
            ((None, Some("Roux"), None), [None, Some("Roux"), None]),
            ((None, None, Some("Encre Noire")), [None, None, Some("Encre Noire")]),
            ((None, None, None), [Some("Utilisateur"), None, None]),
            ((Some(""), Some("  "), None), [Some("Utilisateur"), None, None]),
        ];
        for ((first, last, salon), expected) in table {
            assert_eq!(shown(&person(first, last, salon)), names(expected));
        }
        // A client has no salon name.
        let client = Participant { role: Role::Client, ..person(None, None, Some("Encre Noire")) };
        assert_eq!(shown(&client), names([Some("Utilisateur"), None, None]));
        let forgotten = Participant { is_forgotten: true, ..person(Some("Léa"), None, None) };
        assert_eq!(shown(&forgotten), names([Some("Compte"), Some("supprimé"), None]));
    }

    #[test]
    fn each_role_is_read_as_it_is_written_and_takes_its_side() {
        for (role, word) in ROLES {
            assert_eq!(Role::parse(word), role);
            assert_eq!(role.as_str(), word);
        }
        assert_eq!(Role::parse("owner"), Role::Other);
        let salons: Vec<_> = ROLES.iter().filter(|(role, _)| role.takes_salon_side()).collect();
        assert_eq!(salons.len(), 3);
        assert!(
            ROLES.iter().all(|(role, _)| !(role.takes_salon_side() && role.takes_client_side()))
        );
    }

    #[test]
    fn newer_details_win_and_older_ones_stay() {
        let older = person(Some("Léa"), Some("Roux"), None).profile;
        let newer = person(Some("Lea"), None, None).profile;
        let both = older.updated_with(&newer);
        assert_eq!(
            (both.first_name.as_deref(), both.last_name.as_deref()),
            (Some("Lea"), Some("Roux"))
        );
    }

    #[test]
    fn a_name_is_tidied_before_it_is_measured() {
        assert_eq!(tidied_name("Le\u{301}a\u{b}\u{202e}Roux\0"), Ok(Some("Léa Roux".to_owned())));
        assert_eq!(tidied_name(" \u{200b}"), Ok(None));
        let long = "e\u{301}".repeat(NAME_MAX_CHARS);
        assert_eq!(tidied_name(&long), Ok(Some("é".repeat(NAME_MAX_CHARS))));
        assert_eq!(tidied_name(&"x".repeat(NAME_MAX_CHARS + 1)), Err(InvalidProfile));
    }

    #[test]
    fn oversized_details_are_refused() {
        let long = "x".repeat(NAME_MAX_CHARS + 1);
        assert_eq!(person(Some(&long), None, None).profile.check(), Err(InvalidProfile));
        assert_eq!(person(None, Some("a\0"), None).profile.check(), Err(InvalidProfile));
        assert_eq!(person(Some("Léa"), None, None).profile.check(), Ok(()));
    }
}

#[cfg(test)]
mod language_tests {
    use super::*;

    #[test]
    fn a_locale_has_a_language_or_none_of_ours() {
        for language in [Language::French, Language::English] {
            assert_eq!(Language::of_locale(language.as_str()), Some(language));
        }
        assert_eq!(Language::of_locale("EN_gb"), Some(Language::English));
        assert_eq!(Language::of_locale("fr-CH"), Some(Language::French));
        assert_eq!(Language::of_locale("de"), None);
        assert_eq!(Language::of_locale(""), None);
    }
}
