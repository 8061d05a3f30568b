//! What one client has on its screen: a snapshot, and every event since.

use serde_json::Value;

use super::snapshot::{self, Messages};
use crate::{Fault, socket::Event, stage::text};

/// One conversation as one client sees it.
#[derive(Debug, Default)]
pub(super) struct View {
    messages: Messages,
    unread: Option<u64>,
}

impl View {
    /// Begins again with what a snapshot shows up to this position; the rest comes as events.
    pub(super) fn begin(&mut self, mut snapshot: Messages, last_seq: i64) {
        snapshot.retain(|seq, _| *seq <= last_seq);
        self.messages = snapshot;
    }

    /// Takes in an event.
    pub(super) fn hear(&mut self, event: &Event) -> Result<(), Fault> {
        match event.name.as_str() {
            "new-message" => self.add(&event.data),
            "conversation-read" => self.mark_read(&event.data),
            "unread-count-updated" => {
                self.unread = event.data["totalUnread"].as_u64();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, value: &Value) -> Result<(), Fault> {
        let (seq, message) = snapshot::message(value)?;
        let newest = self.messages.last_key_value().map(|(seq, _)| *seq);
        if self.messages.contains_key(&seq) {
            return Err(Fault::new(format!("message {seq} was told twice")));
        }
        if newest.is_some_and(|newest| seq < newest) {
            return Err(Fault::new(format!("message {seq} was told after {newest:?}")));
        }
        self.messages.insert(seq, message);
        Ok(())
    }

    /// What the other side said is read up to a position, and stays so.
    fn mark_read(&mut self, value: &Value) -> Result<(), Fault> {
        let reader = text(value, "readerId")?;
        let up_to = value["upToSeq"].as_i64();
        let up_to = up_to.ok_or_else(|| Fault::new("a horizon without a position"))?;
        for (_, message) in self.messages.range_mut(..=up_to) {
            message.is_read |= message.author != reader;
        }
        Ok(())
    }

    /// The messages.
    pub(super) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The unread total that the client shows.
    pub(super) fn unread(&self) -> Option<u64> {
        self.unread
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    fn told(seq: i64) -> Event {
        let author = if seq % 2 == 0 { "salon" } else { "client" };
        event(
            "new-message",
            json!({
                "seq": seq, "id": format!("m-{seq}"), "content": "Bonjour",
                "sender": { "id": author }, "isRead": false,
            }),
        )
    }

    fn event(name: &str, data: Value) -> Event {
        Event { name: name.to_owned(), data, at: Instant::now() }
    }

    #[test]
    fn a_horizon_reads_what_the_other_side_said_up_to_it() {
        let mut view = View::default();
        for seq in 1..=4 {
            view.hear(&told(seq)).expect("in order");
        }
        let horizon = json!({ "readerId": "client", "upToSeq": 3 });
        view.hear(&event("conversation-read", horizon)).expect("a horizon");
        let read = view.messages().iter().filter(|(_, message)| message.is_read);
        assert_eq!(read.map(|(seq, _)| *seq).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_message_told_twice_or_late_is_a_fault() {
        let mut view = View::default();
        view.hear(&told(2)).expect("the first");
        view.hear(&told(4)).expect("positions may be skipped");
        let twice = view.hear(&told(4)).expect_err("twice");
        assert!(twice.to_string().contains("twice"), "{twice}");
        let late = view.hear(&told(3)).expect_err("late");
        assert!(late.to_string().contains("after"), "{late}");
    }

    #[test]
    fn a_snapshot_counts_up_to_where_events_begin() {
        let one = |seq| snapshot::message(&told(seq).data).expect("a message");
        let mut view = View::default();
        view.begin(Messages::from([one(1), one(2), one(3)]), 2);
        view.hear(&told(3)).expect("not yet told");
        assert_eq!(view.messages().keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
