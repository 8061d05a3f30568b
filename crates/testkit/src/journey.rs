//! One conversation from its opening to its archive and back, played by a salon and a client over REST
//! and Socket.IO. Prints what a reader would want to see, and fails at the first thing that is not as
//! promised.

mod actor;
mod housekeeping;
mod opening;
mod photo;
mod talk;
pub(crate) mod transcript;

use std::io::Write;

use crate::Fault;
use actor::Actor;
use transcript::Transcript;

/// Where to play, and as whom.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The address of the server.
    pub url: String,
    /// The token of somebody on the salon side.
    pub salon_token: String,
    /// The token of a client.
    pub client_token: String,
    /// The token of the platform's booking service.
    pub service_token: String,
}

/// The conversation as it is played.
#[derive(Debug)]
struct Play<'a> {
    salon: Actor,
    client: Actor,
    conversation: String,
    transcript: Transcript<'a>,
}

/// Plays the conversation and writes its transcript to `out`.
///
/// # Errors
/// Names what differed from what was promised, and in which step.
pub async fn run(cast: &Cast, out: &mut dyn Write) -> Result<(), Fault> {
    let transcript = Transcript::new(out);
    let mut play = Play::open(cast, transcript).await?;
    play.connect().await?;
    play.ask().await?;
    play.ask_again().await?;
    play.read().await?;
    play.answer().await?;
    play.photo().await?;
    play.page().await?;
    play.delete().await?;
    play.count().await?;
    play.list().await?;
    play.archive_and_come_back().await?;
    play.transcript.end()
}
