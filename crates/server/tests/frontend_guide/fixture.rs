//! The server, two people with a conversation, a browser, and a server of the files of the guide.

use testkit::{Fault, chromium::Chromium, person::Person, test_app::TestApp};

use crate::{SERVER, guide, guide_server::GuideServer, screen::Screen};

/// What every test needs.
pub(crate) struct Fixture {
    pub(crate) app: TestApp,
    pub(crate) salon: Person,
    pub(crate) client: Person,
    pub(crate) guide: GuideServer,
    browser: Chromium,
}

impl Fixture {
    /// Starts, with further settings of the server.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let guide = GuideServer::open(guide::files()?)?;
        let page = guide.url();
        let settings = [&[("FRONT_URL", page.as_str())], settings].concat();
        let app = TestApp::start_with(SERVER, &settings).await?;
        Ok(Self {
            app,
            salon: Person::salon("salon-1", "Encre Noire"),
            client: Person::client("client-1", "Camille", "Martin"),
            guide,
            browser: Chromium::open()?,
        })
    }

    /// A new conversation between the two.
    pub(crate) async fn conversation(&self) -> Result<String, Fault> {
        self.app.conversation(&self.salon, &self.client).await
    }

    /// The page on which `person` sees a conversation, with this server.
    pub(crate) fn page(
        &self,
        person: &Person,
        conversation: &str,
        server: &str,
    ) -> Result<String, Fault> {
        let token = self.app.token(person)?;
        let front = self.guide.url();
        Ok(format!("{front}/index.html?server={server}&conversation={conversation}&token={token}"))
    }

    /// Opens that page in a tab of its own.
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
