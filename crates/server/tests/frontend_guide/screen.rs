//! The page of the guide, as a user sees and uses it.

use serde_json::json;
use testkit::{Fault, chromium::Tab, fault::same};

/// A page of the chat.
pub(crate) struct Screen(pub(crate) Tab);

impl Screen {
    /// Writes into the field, and no more.
    pub(crate) async fn write(&mut self, words: &str) -> Result<(), Fault> {
        self.0.focus("#composer input").await?;
        self.0.type_text(words).await
    }

    /// Writes a message and sends it off.
    pub(crate) async fn send(&mut self, words: &str) -> Result<(), Fault> {
        self.write(words).await?;
        self.0.press_enter().await
    }

    /// The messages become these, each once, in this order.
    pub(crate) async fn lists(&mut self, lines: &[&str]) -> Result<(), Fault> {
        let shown =
            "[...document.querySelectorAll('#messages li')].map((line) => line.textContent)";
        self.0.becomes(shown, &json!(lines)).await
    }

    /// The number beside the headline becomes this; empty for none.
    pub(crate) async fn counts(&mut self, badge: &str) -> Result<(), Fault> {
        self.reads("unread", badge).await
    }

    /// The line that says whether the other one is there becomes this.
    pub(crate) async fn says(&mut self, presence: &str) -> Result<(), Fault> {
        self.reads("online", presence).await
    }

    /// The line that says who writes becomes this.
    pub(crate) async fn watches(&mut self, typing: &str) -> Result<(), Fault> {
        self.reads("typing", typing).await
    }

    async fn reads(&mut self, id: &str, text: &str) -> Result<(), Fault> {
        let shown = format!("document.getElementById('{id}')?.textContent");
        self.0.becomes(&shown, &json!(text)).await
    }

    /// So many messages wait to be sent.
    pub(crate) async fn keeps(&mut self, waiting: usize) -> Result<(), Fault> {
        let kept = "JSON.parse(sessionStorage.getItem('outbox') ?? '[]').length";
        self.0.becomes(kept, &json!(waiting)).await
    }

    /// Another window covers this one, or does not any more.
    pub(crate) async fn is_covered(&mut self, is_covered: bool) -> Result<(), Fault> {
        let cover = format!(
            "Object.defineProperty(document, 'hidden', {{ value: {is_covered}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'));"
        );
        self.0.evaluate(&cover).await.map(drop)
    }

    /// Nothing went wrong in the page that nobody caught.
    pub(crate) async fn is_sound(&mut self) -> Result<(), Fault> {
        // Whatever was thrown has been told before this is answered.
        self.0.evaluate("0").await?;
        same("exceptions in the page", self.0.exceptions(), &[])
    }
}
