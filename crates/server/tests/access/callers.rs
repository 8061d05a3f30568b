//! The people of the access tests, and what they try to get at.

use testkit::{
    Fault, database,
    person::{self, Person},
    rest::Rest,
    test_app::{TestApp, text},
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// What only the two participants may ever see.
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
    /// Anonymous: no token.
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
pub(crate) struct Accounts {
    pub(crate) app: TestApp,
    owner: Person,
    other_side: Person,
    stranger: Person,
    rival: Person,
}

/// A conversation with a message of each side.
pub(crate) struct Fixture {
    pub(crate) appointment: String,
    pub(crate) conversation: String,
    pub(crate) of_salon: String,
    pub(crate) of_client: String,
}

impl Accounts {
    /// Everybody, known to the server.
    pub(crate) async fn create() -> Result<Self, Fault> {
        // Jobs would change the tables on their own. With a key the webhooks exist.
        let settings = [("JOBS_RUN", "off"), ("MAILGUN_WEBHOOK_SIGNING_KEY", "nobody-knows-it")];
        let accounts = Self {
            app: TestApp::start_with(SERVER, &settings).await?,
            owner: Person::salon("salon-1", "Encre Noire"),
            other_side: Person::client("client-1", "Camille", "Martin"),
            stranger: Person::client("client-2", "Dominique", "Petit"),
            rival: Person::salon("salon-2", "Aiguille d'Or"),
        };
        for person in [&accounts.owner, &accounts.other_side, &accounts.stranger, &accounts.rival] {
            accounts.app.introduce(person).await?;
        }
        Ok(accounts)
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

    /// The caller's token; empty for anonymous callers.
    pub(crate) fn token(&self, caller: Caller) -> Result<String, Fault> {
        match caller {
            Caller::Nobody => Ok(String::new()),
            Caller::Late => person::mint(self.app.server.secret(), self.person(caller), -1),
            _ => self.app.token(self.person(caller)),
        }
    }

    /// The caller at the REST interface.
    pub(crate) fn rest(&self, caller: Caller) -> Result<Rest, Fault> {
        match caller {
            Caller::Nobody => Ok(self.app.anonymous()),
            _ => Ok(self.app.anonymous().with_token(&self.token(caller)?)),
        }
    }

    /// A new conversation, in which each side has said something.
    pub(crate) async fn fixture(&self) -> Result<Fixture, Fault> {
        let (salon, client) = (&self.owner, &self.other_side);
        let appointment = database::id("appointment");
        let conversation = self.app.conversation_about(&appointment, salon, client).await?;
        let of_salon = self.app.message(salon, &conversation, SECRET).await?;
        let of_client = self.app.message(client, &conversation, SECRET).await?;
        Ok(Fixture {
            appointment,
            of_salon: text(&of_salon, "id")?,
            of_client: text(&of_client, "id")?,
            conversation,
        })
    }
}
