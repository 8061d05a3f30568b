//! A browser without a window.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use xtask::{
    child_guard::ChildGuard,
    process::{Signal, send_to_group},
    workspace,
};

use crate::{
    Fault, database,
    test_app::text,
    wait::{self, PATIENCE, PAUSE, within},
};

/// Nothing but the page: no window, no profile of somebody's, no calls home.
const OPTIONS: [&str; 15] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    // Of several windows all are in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// A running Chromium. Ends with this value, and with our own process; its profile goes too.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    profile: PathBuf,
    _guard: ChildGuard,
}

impl Chromium {
    /// Opens a page.
    ///
    /// # Errors
    /// When there is no Chromium.
    pub fn visit(url: &str) -> Result<Self, Fault> {
        Self::start(&[url])
    }

    /// Opens no page yet: [`tab`](Self::tab) does.
    ///
    /// # Errors
    /// When there is no Chromium.
    pub fn open() -> Result<Self, Fault> {
        Self::start(&["--remote-debugging-port=0", "about:blank"])
    }

    /// Opens a page for somebody who shares nothing with the other tabs.
    ///
    /// # Errors
    /// When this Chromium was not started with [`open`](Self::open), or the page does not open.
    pub async fn tab(&self, url: &str) -> Result<Tab, Fault> {
        let notice = self.profile.join("DevToolsActivePort");
        // Written when it listens: its port, and on a line of its own the way in.
        let notice = wait::until("Chromium's port", async || {
            let notice = fs::read_to_string(&notice).unwrap_or_default();
            Ok(notice.split_once('\n').map(|(port, way)| (port.to_owned(), way.to_owned())))
        });
        let (port, way) = notice.await?;
        let address = format!("ws://127.0.0.1:{port}");
        let browser = Devtools::open(&format!("{address}{way}")).await?;
        Tab::open(browser, &address, url).await
    }

    fn start(arguments: &[&str]) -> Result<Self, Fault> {
        let profile = workspace::target().join("testkit").join(database::id("chromium"));
        let child = Command::new("chromium")
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // One group with all its helpers, so that they end together.
            .process_group(0)
            .spawn()
            .map_err(Fault::while_doing("run chromium"))?;
        let guard =
            ChildGuard::watch(child.id()).map_err(Fault::while_doing("watch over chromium"))?;
        Ok(Self { child, profile, _guard: guard })
    }

    fn end(&mut self) -> io::Result<()> {
        send_to_group(Signal::Kill, self.child.id())?;
        self.child.wait()?;
        fs::remove_dir_all(&self.profile)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // What is left of it does no harm, and there is nobody to tell.
        self.end().ok();
    }
}

// Questions to a browser in its own protocol, DevTools.

/// A conversation with a browser or one of its pages.
#[derive(Debug)]
struct Devtools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    exceptions: Vec<String>,
}

impl Devtools {
    /// Begins it at this address.
    async fn open(url: &str) -> Result<Self, Fault> {
        let opened = within("the browser", connect_async(url)).await?;
        let (socket, _) = opened.map_err(Fault::while_doing("talk to the browser"))?;
        Ok(Self { socket, asked: 0, exceptions: Vec::new() })
    }

    /// Asks, and waits for the answer.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Fault> {
        self.asked += 1;
        let question = json!({ "id": self.asked, "method": method, "params": params });
        let sent = self.socket.send(Message::text(question.to_string())).await;
        sent.map_err(Fault::while_doing(method))?;
        within(method, self.answer(method)).await?
    }

    /// Uncaught exceptions of the page so far.
    fn exceptions(&self) -> &[String] {
        &self.exceptions
    }

    async fn answer(&mut self, method: &str) -> Result<Value, Fault> {
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(Fault::while_doing(method))? else {
                continue;
            };
            let mut said: Value =
                serde_json::from_str(&text).map_err(Fault::while_doing(method))?;
            if said["method"] == "Runtime.exceptionThrown" {
                self.exceptions.push(said["params"]["exceptionDetails"].to_string());
            }
            if said["id"] == self.asked {
                return match said.get("error") {
                    None => Ok(said["result"].take()),
                    Some(error) => Err(Fault::new(format!("{method}: {error}"))),
                };
            }
        }
        Err(Fault::new(format!("{method}: the browser is gone")))
    }
}

// One page, and hands and eyes for it.

/// A page that somebody uses.
#[derive(Debug)]
pub struct Tab {
    page: Devtools,
    // What belongs to this person goes with the conversation in which it was made.
    _browser: Devtools,
}

impl Tab {
    /// Opens an address for somebody who was never here.
    async fn open(mut browser: Devtools, address: &str, url: &str) -> Result<Self, Fault> {
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

    /// Uncaught exceptions of the page, as far as they are known.
    pub fn exceptions(&self) -> &[String] {
        self.page.exceptions()
    }
}
