//! Photos from one side to the other, and nothing else with them (D16).

mod hostile;
mod life;
mod phone;

use std::{fs, path::Path};

use serde_json::{Value, json};
use testkit::{
    Fault,
    person::Person,
    rest::{Answer, FormFile, Rest},
    test_app::{TestApp, text},
};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
pub(crate) const UPLOADS: &str = "/messaging/attachments";
/// So that a test need not wait for a job.
pub(crate) const EAGER: [(&str, &str); 1] = [("JOBS_POLL_INTERVAL_MS", "20")];

/// A salon and a client in a conversation.
pub(crate) struct Fixture {
    pub(crate) app: TestApp,
    pub(crate) salon: Rest,
    pub(crate) client: Rest,
    pub(crate) conversation: String,
}

impl Fixture {
    pub(crate) async fn start() -> Result<Self, Fault> {
        Self::with(&EAGER).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let app = TestApp::start_with(SERVER, settings).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let conversation = app.conversation(&salon, &client).await?;
        let (salon, client) = (app.rest(&salon)?, app.rest(&client)?);
        Ok(Self { app, salon, client, conversation })
    }

    /// A salon that has nothing to do with the two.
    pub(crate) async fn stranger(&self) -> Result<Rest, Fault> {
        let stranger = Person::salon("salon-2", "Encre Bleue");
        self.app.introduce(&stranger).await?;
        self.app.rest(&stranger)
    }

    /// Sends an upload as a message without words.
    pub(crate) async fn send(&self, who: &Rest, upload: &str) -> Result<Answer, Fault> {
        let body = json!({ "content": "", "attachments": [{ "attachmentId": upload }] });
        let path = format!("/messaging/conversations/{}/messages", self.conversation);
        who.post(&path, &body).await
    }

    /// Everything that is kept, by its size.
    pub(crate) fn kept(&self) -> Result<Vec<u64>, Fault> {
        let mut sizes = Vec::new();
        sizes_below(&self.app.server.files(), &mut sizes)
            .map_err(Fault::while_doing("look at the folder for files"))?;
        Ok(sizes)
    }
}

fn sizes_below(folder: &Path, sizes: &mut Vec<u64>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sizes_below(&entry.path(), sizes)?;
        } else {
            sizes.push(entry.metadata()?.len());
        }
    }
    Ok(())
}

/// Uploads a photo as a phone makes them; returns its id.
pub(crate) async fn upload(who: &Rest) -> Result<String, Fault> {
    let bytes = media::testing::phone_photo();
    let file = FormFile { name: "Bras – dessin.jpg", media_type: "image/jpeg", bytes: &bytes };
    text(&file.post(who, UPLOADS).await?.expect(201)?, "id")
}

/// The one file of a message.
pub(crate) fn the_file(message: &Value) -> Result<&Value, Fault> {
    match message["attachments"].as_array().map(Vec::as_slice) {
        Some([file]) => Ok(file),
        _ => Err(Fault::new(format!("not one file in {message}"))),
    }
}
