//! One page, and hands and eyes for it.

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Devtools;
use crate::{
    Fault,
    stage::text,
    wait::{PATIENCE, PAUSE},
};

/// A page that somebody uses.
#[derive(Debug)]
pub struct Tab {
    page: Devtools,
    // What belongs to this person goes with the conversation in which it was made.
    _browser: Devtools,
}

impl Tab {
    /// Opens an address for somebody who was never here.
    pub(super) async fn open(
        mut browser: Devtools,
        address: &str,
        url: &str,
    ) -> Result<Self, Fault> {
        let own = json!({ "disposeOnDetach": true });
        let context = browser.ask("Target.createBrowserContext", own).await?;
        let blank = json!({
            "url": "about:blank",
            "browserContextId": context["browserContextId"],
            "newWindow": true,
        });
        let target = text(&browser.ask("Target.createTarget", blank).await?, "targetId")?;
        let mut page = Devtools::open(&format!("{address}/devtools/page/{target}")).await?;
        page.ask("Runtime.enable", json!({})).await?;
        let mut tab = Self { page, _browser: browser };
        tab.go_to(url).await?;
        Ok(tab)
    }

    /// Goes to another address.
    ///
    /// # Errors
    /// When there is nothing.
    pub async fn go_to(&mut self, url: &str) -> Result<(), Fault> {
        let gone = self.page.ask("Page.navigate", json!({ "url": url })).await?;
        match gone.get("errorText") {
            None => Ok(()),
            Some(error) => Err(Fault::new(format!("{url}: {error}"))),
        }
    }

    /// Puts the cursor into the field that this selector names. Not with the mouse: what moves on the page
    /// meanwhile would be hit instead.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn focus(&mut self, selector: &str) -> Result<(), Fault> {
        self.evaluate(&format!("document.querySelector({selector:?}).focus()")).await.map(drop)
    }

    /// Types, key by key, wherever the cursor is.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn type_text(&mut self, words: &str) -> Result<(), Fault> {
        for key in words.chars().map(String::from) {
            self.press(json!({ "key": key, "text": key })).await?;
        }
        Ok(())
    }

    /// Presses the Enter key.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn press_enter(&mut self) -> Result<(), Fault> {
        let enter = json!({
            "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13,
        });
        self.press(enter).await
    }

    async fn press(&mut self, key: Value) -> Result<(), Fault> {
        for kind in ["keyDown", "keyUp"] {
            let mut event = key.clone();
            event["type"] = kind.into();
            if kind == "keyUp"
                && let Some(event) = event.as_object_mut()
            {
                event.remove("text");
            }
            self.page.ask("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// What an expression is in this page, awaited if it is a promise.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&mut self, expression: &str) -> Result<Value, Fault> {
        let question =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.page.ask("Runtime.evaluate", question).await?;
        match answer.get("exceptionDetails") {
            None => Ok(answer["result"]["value"].take()),
            Some(details) => Err(Fault::new(format!("{expression}: {details}"))),
        }
    }

    /// Waits until an expression is this.
    ///
    /// # Errors
    /// When it is not in time; shows what it is instead.
    pub async fn becomes(&mut self, expression: &str, expected: &Value) -> Result<(), Fault> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Between two pages there may be nothing to ask.
            let found = self.evaluate(expression).await;
            match found {
                Ok(found) if found == *expected => return Ok(()),
                found if Instant::now() > deadline => {
                    return Err(Fault::new(format!(
                        "{expression}: expected {expected}, found {found:?}"
                    )));
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Closes it, as somebody who has enough of it.
    ///
    /// # Errors
    /// When the page is gone already.
    pub async fn close(mut self) -> Result<(), Fault> {
        self.page.ask("Page.close", json!({})).await.map(drop)
    }

    /// What went wrong in the page and was caught by nobody, as far as it is known by now.
    pub fn exceptions(&self) -> &[String] {
        self.page.exceptions()
    }
}
