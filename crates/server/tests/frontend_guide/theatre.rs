//! A server, two people with a conversation, a browser, and the guide on its shelf.

use testkit::{Fault, chromium::Chromium, person::Person, test_app::TestApp};

use crate::{SERVER, bookshelf::Bookshelf, guide, screen::Screen};

/// Everything that a scene needs.
pub(crate) struct Theatre {
    pub(crate) stage: TestApp,
    pub(crate) salon: Person,
    pub(crate) client: Person,
    pub(crate) shelf: Bookshelf,
    browser: Chromium,
}

impl Theatre {
    /// Opens, with further settings of the server.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let shelf = Bookshelf::open(guide::files()?)?;
        let page = shelf.url();
        let settings = [&[("FRONT_URL", page.as_str())], settings].concat();
        let stage = TestApp::start_with(SERVER, &settings).await?;
        Ok(Self {
            stage,
            salon: Person::salon("salon-1", "Encre Noire"),
            client: Person::client("client-1", "Camille", "Martin"),
            shelf,
            browser: Chromium::open()?,
        })
    }

    /// A new conversation between the two.
    pub(crate) async fn conversation(&self) -> Result<String, Fault> {
        self.stage.conversation(&self.salon, &self.client).await
    }

    /// The address under which somebody sees a conversation, on this server.
    pub(crate) fn page(
        &self,
        person: &Person,
        conversation: &str,
        server: &str,
    ) -> Result<String, Fault> {
        let token = self.stage.token(person)?;
        let front = self.shelf.url();
        Ok(format!("{front}/index.html?server={server}&conversation={conversation}&token={token}"))
    }

    /// The page of somebody who shares nothing with the others.
    pub(crate) async fn screen(
        &self,
        person: &Person,
        conversation: &str,
        server: &str,
    ) -> Result<Screen, Fault> {
        let page = self.page(person, conversation, server)?;
        Ok(Screen(self.browser.tab(&page).await?))
    }
}
