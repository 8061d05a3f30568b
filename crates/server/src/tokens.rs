//! Public keys in a file that changes while the server runs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use auth_jwt::{JwtVerifier, Settings};
use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    time::{MissedTickBehavior, interval},
};

/// The largest file with keys, in bytes.
const FILE_MAX_BYTES: u64 = 1_048_576;

/// A file with a JSON Web Key Set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    /// How often it is looked at.
    pub(crate) interval: Duration,
}

/// What became of a look at the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Unchanged,
    Replaced,
    /// It cannot be read, or is no key set. The former keys stay.
    Refused,
}

/// Looks at the file again and again, and replaces the keys when its content has changed: its time does not tell
/// when a mounted secret is replaced.
pub(crate) async fn watch(verifier: Arc<JwtVerifier>, settings: Settings, file: KeyFile) {
    let mut watcher = Watcher { verifier, settings, path: file.path, is_refused: false };
    let mut ticks = interval(file.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        watcher.look().await;
    }
}

struct Watcher {
    verifier: Arc<JwtVerifier>,
    /// With the text that was read last.
    settings: Settings,
    path: PathBuf,
    /// The file was refused at the last look, and that was logged.
    is_refused: bool,
}

impl Watcher {
    async fn look(&mut self) -> Look {
        let text = match self.read().await {
            Ok(text) => text,
            Err(cause) => return self.refuse(&cause.kind().to_string()),
        };
        if self.settings.jwks.as_ref() == Some(&text) {
            return if self.is_refused { Look::Refused } else { Look::Unchanged };
        }
        self.settings.jwks = Some(text);
        match self.verifier.replace_keys(&self.settings) {
            Ok(()) => {
                self.is_refused = false;
                tracing::info!(
                    "the file with public keys has changed: its keys are used from now on"
                );
                Look::Replaced
            }
            Err(cause) => {
                self.is_refused = false;
                self.refuse(&cause.to_string())
            }
        }
    }

    /// Logs a fault, once until the file is good again.
    fn refuse(&mut self, cause: &str) -> Look {
        if !self.is_refused {
            tracing::warn!(cause, "the file with public keys cannot be used: the former keys stay");
        }
        self.is_refused = true;
        Look::Refused
    }

    async fn read(&self) -> std::io::Result<String> {
        let mut text = String::new();
        File::open(&self.path).await?.take(FILE_MAX_BYTES).read_to_string(&mut text).await?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ports::SystemClock;

    /// A key set with one key of that name.
    fn keys(name: &str) -> String {
        let point = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{name}","x":"{point}"}}]}}"#)
    }

    #[tokio::test]
    async fn a_changed_file_is_read_anew_and_a_bad_one_leaves_the_former_keys() {
        let path = std::env::temp_dir().join(format!("messaging-keys-{}", std::process::id()));
        let write = |text: &str| fs::write(&path, text).expect("a writable directory");
        write(&keys("one"));
        let settings = Settings { jwks: Some(keys("one")), ..Settings::default() };
        let verifier = JwtVerifier::new(&settings, Arc::new(SystemClock)).expect("good keys");
        let verifier = Arc::new(verifier);
        let mut watcher = Watcher { verifier, settings, path: path.clone(), is_refused: false };
        assert_eq!(watcher.look().await, Look::Unchanged);
        write(&keys("two"));
        assert_eq!(watcher.look().await, Look::Replaced);
        assert_eq!(watcher.look().await, Look::Unchanged);
        for bad in ["", "{\"keys\":[]}", "not a key set"] {
            write(bad);
            assert_eq!(watcher.look().await, Look::Refused, "{bad}");
            assert_eq!(watcher.look().await, Look::Refused, "{bad}, again");
        }
        fs::remove_file(&path).expect("it was there");
        assert_eq!(watcher.look().await, Look::Refused);
        write(&keys("two"));
        assert_eq!(watcher.look().await, Look::Replaced, "it is good again");
        fs::remove_file(&path).expect("it was there");
    }
}
