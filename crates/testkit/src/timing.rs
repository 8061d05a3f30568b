//! What a stranger can learn from how long an answer takes: each route is asked for something of somebody else and
//! for something that does not exist, in turn, and answers both alike.

use std::fmt;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    Fault,
    bench::Percentiles,
    database,
    hostile::ordinary_picture,
    person::Person,
    rest::Rest,
    socket::Socket,
    test_app::{TestApp, text},
};

/// Conversations of others, each with a message and a picture. Each id is asked for in turn.
const FOREIGN: usize = 20;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Of {
    Conversation,
    Message,
    Attachment,
}

/// A route, with `{id}` where the id is.
#[derive(Clone, Copy, Debug)]
enum Route {
    Rest(&'static str, &'static str, &'static str),
    Socket(&'static str, &'static str),
}

const ROUTES: [(Of, Route); 17] = {
    use Of::{Attachment, Conversation, Message};
    use Route::{Rest, Socket};
    [
        (Conversation, Rest("GET", "/messaging/conversations/{id}", "")),
        (Conversation, Rest("PATCH", "/messaging/conversations/{id}", r#"{"status":"ARCHIVED"}"#)),
        (Conversation, Rest("DELETE", "/messaging/conversations/{id}", "")),
        (Conversation, Rest("GET", "/messaging/conversations/{id}/messages", "")),
        (
            Conversation,
            Rest("POST", "/messaging/conversations/{id}/messages", r#"{"content":"a"}"#),
        ),
        (Conversation, Rest("PATCH", "/messaging/conversations/{id}/archive", "")),
        (Conversation, Rest("PATCH", "/messaging/conversations/{id}/mark-read", "")),
        (Conversation, Rest("GET", "/messaging/conversations/{id}/events", "")),
        (Message, Rest("PATCH", "/messaging/messages/{id}/read", "")),
        (Message, Rest("DELETE", "/messaging/messages/{id}", "")),
        (Attachment, Rest("GET", "/messaging/attachments/{id}", "")),
        (Conversation, Socket("join-conversation", r#"{"conversationId":"{id}"}"#)),
        (Conversation, Socket("send-message", r#"{"conversationId":"{id}","content":"a"}"#)),
        (Message, Socket("mark-as-read", r#"{"messageId":"{id}"}"#)),
        (Conversation, Socket("mark-conversation-as-read", r#"{"conversationId":"{id}"}"#)),
        (Conversation, Socket("user-typing", r#"{"conversationId":"{id}"}"#)),
        (Conversation, Socket("sync", r#"{"conversations":[{"conversationId":"{id}"}]}"#)),
    ]
};

/// The ids that are asked for: of others, and of nothing.
#[derive(Debug, Default)]
struct Ids {
    conversations: Vec<String>,
    messages: Vec<String>,
    attachments: Vec<String>,
}

/// The figures of each route.
#[derive(Debug)]
pub struct Outcome(Vec<Row>);

#[derive(Debug)]
struct Row {
    route: String,
    foreign: Percentiles,
    absent: Percentiles,
}

/// Takes `samples` of each kind for each route of `app`, which must have no rate limits.
///
/// # Errors
/// When an answer tells the two apart.
pub async fn run(samples: usize, app: &TestApp) -> Result<Outcome, Fault> {
    let foreign = Ids::of_others(app).await?;
    let absent = foreign.of_nothing();
    let stranger = Person::client(&database::id("client"), "Camille", "Martin");
    let (rest, mut socket) = (app.rest(&stranger)?, app.socket(&stranger).await?);
    socket.discard_events();
    let mut rows = Vec::new();
    for (of, route) in ROUTES {
        let mut row =
            Row { route: route.name(), foreign: Percentiles::new()?, absent: Percentiles::new()? };
        // A first round fills caches and prepares statements.
        for number in 0..samples + FOREIGN {
            let asked = [&foreign, &absent].map(|ids| &ids.of(of)[number % FOREIGN]);
            let mut answers = Vec::new();
            // Each comes first as often as the other.
            for kind in if number.is_multiple_of(2) { [0, 1] } else { [1, 0] } {
                let started = Instant::now();
                let answer = route.ask(&rest, &socket, asked[kind]).await?;
                let taken = started.elapsed();
                answers.push(answer.to_string().replace(asked[kind].as_str(), "ID"));
                if number >= FOREIGN {
                    let percentiles = if kind == 0 { &mut row.foreign } else { &mut row.absent };
                    percentiles.add(taken);
                }
            }
            if answers[0] != answers[1] {
                return Err(Fault::new(format!("{} tells them apart: {answers:?}", row.route)));
            }
        }
        rows.push(row);
    }
    Ok(Outcome(rows))
}

impl Ids {
    async fn of_others(app: &TestApp) -> Result<Self, Fault> {
        let mut ids = Self::default();
        for _ in 0..FOREIGN {
            let salon = Person::salon(&database::id("salon"), "Encre Noire");
            let client = Person::client(&database::id("client"), "Louis", "Petit");
            let conversation = app.conversation(&salon, &client).await?;
            let picture = ordinary_picture(&app.rest(&client)?).await?;
            let path = format!("/messaging/conversations/{conversation}/messages");
            let message =
                json!({ "content": "Bonjour", "attachments": [{ "attachmentId": picture }] });
            let sent = app.rest(&client)?.post(&path, &message).await?.expect(201)?;
            ids.messages.push(text(&sent, "id")?);
            ids.attachments.push(picture);
            ids.conversations.push(conversation);
        }
        Ok(ids)
    }

    /// Ids of the same form.
    fn of_nothing(&self) -> Self {
        let absent = |ids: &[String]| ids.iter().map(|id| absent(id)).collect();
        Self {
            conversations: absent(&self.conversations),
            messages: absent(&self.messages),
            attachments: absent(&self.attachments),
        }
    }

    fn of(&self, of: Of) -> &[String] {
        match of {
            Of::Conversation => &self.conversations,
            Of::Message => &self.messages,
            Of::Attachment => &self.attachments,
        }
    }
}

/// An id that nothing has: the last eight characters the other way round, and changed.
fn absent(id: &str) -> String {
    let (head, tail) = id.split_at(id.len().saturating_sub(8));
    let changed = tail.chars().rev().map(|c| if c == '0' { '1' } else { '0' });
    format!("{head}{}", changed.collect::<String>())
}

impl Route {
    fn name(self) -> String {
        match self {
            Self::Rest(method, path, _) => format!("{method} {path}"),
            Self::Socket(event, _) => event.to_owned(),
        }
    }

    /// The status and body, or the acknowledgement.
    async fn ask(self, rest: &Rest, socket: &Socket, id: &str) -> Result<Value, Fault> {
        match self {
            Self::Rest(method, path, body) => {
                let body =
                    (!body.is_empty()).then(|| serde_json::from_str(body).unwrap_or_default());
                let answer = rest.call(method, &path.replace("{id}", id), body.as_ref()).await?;
                let mut body = answer.body;
                // Each request has its own.
                if let Some(body) = body.as_object_mut() {
                    body.retain(|name, _| name != "requestId" && name != "timestamp");
                }
                Ok(json!([answer.status, body]))
            }
            Self::Socket(event, payload) => {
                let payload = serde_json::from_str(&payload.replace("{id}", id));
                let payload: Value = payload.map_err(Fault::while_doing("write a payload"))?;
                socket.call(event, &payload).await
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| route | of others: p50 | p99 | of nothing: p50 | p99 | difference of p50 |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        for Row { route, foreign, absent } in &self.0 {
            let us = |percentiles: &Percentiles, share| percentiles.quantile(share).as_micros();
            let [fp50, fp99, ap50, ap99] =
                [us(foreign, 0.5), us(foreign, 0.99), us(absent, 0.5), us(absent, 0.99)];
            let (more, less) = (fp50.saturating_sub(ap50), ap50.saturating_sub(fp50));
            let sign = if less > 0 { "-" } else { "" };
            let difference = format!("{sign}{}", more + less);
            writeln!(
                f,
                "| `{route}` | {fp50} µs | {fp99} µs | {ap50} µs | {ap99} µs | {difference} µs |"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_id_has_the_form_of_another() {
        assert_eq!(absent("0190-abcdef00"), "0190-11000000");
    }
}
