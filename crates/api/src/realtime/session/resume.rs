//! Going on where one was cut off: joining after a position, and asking what was missed (D12).

use domain::{id::ConversationId, message::Message, page::Window, seq::Seq};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    super::{
        answer::Budget,
        inbound::SyncFrom,
        missed::{self, CatchUp, missed},
        outbound,
        told::OutgoingEvent,
    },
    Context, Session,
};
use crate::{code::Code, failure::Failure, wire};

/// What a session that joins is told first.
pub(super) struct JoinSnapshot {
    /// What it is told.
    pub(super) told: Vec<OutgoingEvent>,
    /// Everything up to here is in it.
    pub(super) since: Seq,
    /// Whether the client has to load the conversation anew, though it said how far it had come.
    pub(super) resync: bool,
}

impl Session {
    /// What a session that joins is told first: what happened after the position it knows, or, if
    /// it knows none or that is too long ago, the history.
    pub(super) async fn opening(
        &self,
        conversation: &ConversationId,
        after: Option<Seq>,
    ) -> Result<JoinSnapshot, Failure> {
        if let Some(after) = after
            && let Some(opening) = self.continuation(conversation, after).await?
        {
            return Ok(opening);
        }
        let history = self.history(conversation, self.context.settings.history_messages).await?;
        let resync = after.is_some();
        let news = resync.then(|| outbound::resync(Some(conversation))).flatten();
        let told = news.into_iter().chain(history.told).collect();
        Ok(JoinSnapshot { told, since: history.since, resync })
    }

    /// What happened after `after`; `None` when that cannot be told, or is too much for one answer.
    async fn continuation(
        &self,
        conversation: &ConversationId,
        after: Seq,
    ) -> Result<Option<JoinSnapshot>, Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let user = &self.caller.user;
        let missed = missed(messaging, conversation, user, after, settings.resume_events_max).await;
        let CatchUp::Events { events, has_more: false } =
            missed.map_err(Failure::of_conversation)?
        else {
            return Ok(None);
        };
        // A log that outlived its conversation is nothing to join; and a position that the log
        // never came to is no position.
        let last_seq = self.history(conversation, 1).await?.since;
        let since = events.last().map_or(after, |event| event.seq);
        let told = missed::heard_by(user, &events, hub.links());
        let mut budget = Budget::of(settings.answer_bytes_max);
        let fits = told.iter().all(|told| budget.take_event(told.data().get().len()));
        Ok((since == last_seq && fits).then_some(JoinSnapshot { told, since, resync: false }))
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        messages: u32,
    ) -> Result<JoinSnapshot, Failure> {
        let window = Window::first(i64::from(messages));
        let messaging = &self.context.messaging;
        let history = messaging.history(conversation, &self.caller.user, &window).await;
        let history = history.map_err(Failure::of_conversation)?;
        let since = history.last_seq;
        let (messages, has_more) = self.fitting(&history.page.items)?;
        let has_more = has_more || history.page.next.is_some();
        let told = outbound::history(conversation, messages, since, has_more);
        Ok(JoinSnapshot { told: told.into_iter().collect(), since, resync: false })
    }

    /// Of `messages`, newest first, those that fit into one answer, and whether there are more. One
    /// always does: no message is half as large.
    fn fitting(&self, messages: &[Message]) -> Result<(Vec<Box<RawValue>>, bool), Failure> {
        let Context { hub, settings, .. } = &*self.context;
        let mut budget = Budget::of(settings.answer_bytes_max);
        // The history itself, and that there is nothing else to go by.
        let _leaves_room = budget.take_event(0) && budget.take_event(0);
        let mut fitting: Vec<Box<RawValue>> = Vec::with_capacity(messages.len());
        for message in messages {
            let message = to_raw_value(&wire::Message::new(message, hub.links()));
            let message = message.map_err(Failure::internal)?;
            // With the comma in front of it.
            if !budget.take(message.get().len() + 1) && !fitting.is_empty() {
                return Ok((fitting, true));
            }
            fitting.push(message);
        }
        Ok((fitting, false))
    }

    /// What was missed in several conversations, all together no more than is replayed at once, and
    /// than fits into one answer.
    pub(super) async fn sync(&self, conversations: &[SyncFrom]) -> Result<Value, Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let mut left = settings.resume_events_max;
        let mut budget = Budget::of(settings.answer_bytes_max);
        let mut pages = Vec::with_capacity(conversations.len());
        for SyncFrom { conversation, after } in conversations {
            if left == 0 {
                let nothing = CatchUp::Events { events: Vec::new(), has_more: true };
                pages.push(encode(&nothing.page(conversation, *after, hub.links()))?);
                continue;
            }
            let missed = missed(messaging, conversation, &self.caller.user, *after, left).await;
            pages.push(match missed.map_err(Failure::of_conversation) {
                Ok(missed) => {
                    let mut page = missed.page(conversation, *after, hub.links());
                    left = left.saturating_sub(u32::try_from(page.events.len()).unwrap_or(left));
                    if cut(&mut page, *after, &mut budget) {
                        left = 0;
                    }
                    encode(&page)?
                }
                Err(failure) if failure.code() == Code::ConversationNotFound => {
                    json!({ "conversationId": conversation.as_str(), "code": failure.code().as_str() })
                }
                Err(failure) => return Err(failure),
            });
        }
        Ok(json!({ "conversations": pages }))
    }
}

/// Takes from `page`, which begins behind `after`, what does not fit; true when that is something.
fn cut(page: &mut wire::LogPage, after: Seq, budget: &mut Budget) -> bool {
    let mut fits = |entry: &wire::LogEntry| budget.take_event(entry.data.get().len());
    let fitting = page.events.iter().take_while(|entry| fits(entry)).count();
    if fitting == page.events.len() {
        return false;
    }
    page.events.truncate(fitting);
    page.last_seq = page.events.last().map_or(after.get(), |entry| entry.seq);
    page.has_more = true;
    true
}

fn encode(page: &wire::LogPage) -> Result<Value, Failure> {
    serde_json::to_value(page).map_err(Failure::internal)
}
