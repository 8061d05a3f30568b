//! The people of the access tests, and what they try to get at.

use testkit::{
    Fault, database,
    person::{self, Person},
    rest::Rest,
    stage::{Stage, text},
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// What only the two who talk may ever see.
pub(crate) const SECRET: &str = "Le motif reste entre nous";

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The salon of the conversation.
    Owner,
    /// Its client.
    OtherSide,
    /// Another client.
    Stranger,
    /// Another salon.
    Rival,
    /// Nobody: no token.
    Nobody,
    /// The salon, with a token that is over.
    Late,
}

/// In the order of the tables' columns.
pub(crate) const CALLERS: [Caller; 6] = [
    Caller::Owner,
    Caller::OtherSide,
    Caller::Stranger,
    Caller::Rival,
    Caller::Nobody,
    Caller::Late,
];

impl Caller {
    /// Whether this caller may know that the conversation exists.
    pub(crate) fn takes_part(self) -> bool {
        matches!(self, Self::Owner | Self::OtherSide)
    }
}

/// A server and everybody who calls it.
pub(crate) struct Cast {
    pub(crate) stage: Stage,
    owner: Person,
    other_side: Person,
    stranger: Person,
    rival: Person,
}

/// A conversation with a message of each side.
pub(crate) struct Scene {
    pub(crate) appointment: String,
    pub(crate) conversation: String,
    pub(crate) of_salon: String,
    pub(crate) of_client: String,
}

impl Cast {
    /// Everybody, known to the server.
    pub(crate) async fn assemble() -> Result<Self, Fault> {
        // What jobs do to the tables is nobody's request. With a key the webhooks are there.
        let settings = [("JOBS_RUN", "off"), ("MAILGUN_WEBHOOK_SIGNING_KEY", "nobody-knows-it")];
        let cast = Self {
            stage: Stage::set_with(SERVER, &settings).await?,
            owner: Person::salon("salon-1", "Encre Noire"),
            other_side: Person::client("client-1", "Camille", "Martin"),
            stranger: Person::client("client-2", "Dominique", "Petit"),
            rival: Person::salon("salon-2", "Aiguille d'Or"),
        };
        for person in [&cast.owner, &cast.other_side, &cast.stranger, &cast.rival] {
            cast.stage.introduce(person).await?;
        }
        Ok(cast)
    }

    /// The one who calls.
    pub(crate) fn person(&self, caller: Caller) -> &Person {
        match caller {
            Caller::OtherSide => &self.other_side,
            Caller::Stranger => &self.stranger,
            Caller::Rival => &self.rival,
            Caller::Owner | Caller::Nobody | Caller::Late => &self.owner,
        }
    }

    /// The token the caller shows; empty for nobody.
    pub(crate) fn token(&self, caller: Caller) -> Result<String, Fault> {
        match caller {
            Caller::Nobody => Ok(String::new()),
            Caller::Late => person::mint(self.stage.server.secret(), self.person(caller), -1),
            _ => self.stage.token(self.person(caller)),
        }
    }

    /// The caller at the REST interface.
    pub(crate) fn rest(&self, caller: Caller) -> Result<Rest, Fault> {
        match caller {
            Caller::Nobody => Ok(self.stage.anonymous()),
            _ => Ok(self.stage.anonymous().with_token(&self.token(caller)?)),
        }
    }

    /// A new conversation, in which each side has said something.
    pub(crate) async fn scene(&self) -> Result<Scene, Fault> {
        let (salon, client) = (&self.owner, &self.other_side);
        let appointment = database::id("appointment");
        let conversation = self.stage.conversation_about(&appointment, salon, client).await?;
        let of_salon = self.stage.message(salon, &conversation, SECRET).await?;
        let of_client = self.stage.message(client, &conversation, SECRET).await?;
        Ok(Scene {
            appointment,
            of_salon: text(&of_salon, "id")?,
            of_client: text(&of_client, "id")?,
            conversation,
        })
    }
}
