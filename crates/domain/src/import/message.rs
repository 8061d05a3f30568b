//! Messages of the former system.

use super::{
    Findings, ImportedFile, ImportedKind, Refusal, Repair, file,
    former::{FormerTime, LegacyMessage},
    text::contents,
};
use crate::{
    conversation::{Side, attachment::ATTACHMENTS_MAX, message::MessageKind},
    ids::{MessageId, Seq},
    text::Content,
    time::Timestamp,
};

/// What a message says instead of showing files that were all refused.
pub const LOST_FILE_TEXT: &str = "[Pièce jointe indisponible]";

/// A message with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMessage {
    /// Which.
    pub id: MessageId,
    /// Its position.
    pub seq: Seq,
    /// Who said it.
    pub side: Side,
    /// What kind it is.
    pub kind: MessageKind,
    /// Its words; may be empty beside files.
    pub content: Content,
    /// Its files, in order.
    pub files: Vec<ImportedFile>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was read, where that is known.
    pub read_at: Option<Timestamp>,
}

/// The message that `side` said, with the positions behind `after`. More than one when it was
/// longer, or showed more, than a message may; none, and why, when our rules allow nothing of it.
pub(super) fn messages(
    former: &LegacyMessage,
    side: Side,
    after: Seq,
    findings: &mut Findings,
) -> Vec<ImportedMessage> {
    let Some(created_at) = former.created_at.known() else {
        findings.refuse(ImportedKind::Message, &former.id.0, Refusal::ImpossibleDate);
        return Vec::new();
    };
    let files: Vec<_> =
        former.files.iter().filter_map(|former| file::file(former, findings)).collect();
    let texts = contents(&former.content.0, findings);
    let texts = if !texts.is_empty() || !files.is_empty() {
        texts
    } else if former.files.is_empty() {
        findings.refuse(ImportedKind::Message, &former.id.0, Refusal::SaysNothing);
        return Vec::new();
    } else {
        findings.repaired(Repair::LostFileNoted);
        vec![Content::of_ours(LOST_FILE_TEXT.to_owned())]
    };
    let read_at = former.read_at.filter(|_| former.is_read);
    if read_at == Some(FormerTime::Impossible) {
        findings.refuse_date(&former.id.0, "readAt");
    }
    let whole = Whole {
        id: &former.id.0,
        created_at,
        read_at: read_at.and_then(FormerTime::known),
        side,
        kind: kind(former, findings),
        texts: &texts,
        files: &files,
    };
    let parts = whole.parts(after, findings);
    if parts.is_empty() {
        findings.refuse(ImportedKind::Message, &former.id.0, Refusal::InvalidId);
    } else if former.is_archived {
        findings.repaired(Repair::ArchiveMarkDropped);
    }
    parts
}

fn kind(former: &LegacyMessage, findings: &mut Findings) -> MessageKind {
    MessageKind::parse(&former.kind).unwrap_or_else(|| {
        findings.repaired(Repair::KindUnknown);
        MessageKind::Text
    })
}

/// A message before it is fitted into our bounds.
struct Whole<'m> {
    id: &'m str,
    created_at: Timestamp,
    read_at: Option<Timestamp>,
    side: Side,
    kind: MessageKind,
    texts: &'m [Content],
    files: &'m [ImportedFile],
}

impl Whole<'_> {
    /// As few messages as hold it; empty when its id cannot be one.
    fn parts(&self, after: Seq, findings: &mut Findings) -> Vec<ImportedMessage> {
        let texts = self.texts;
        let shown: Vec<_> = self.files.chunks(ATTACHMENTS_MAX).collect();
        let mut seq = after;
        let parts = (0..texts.len().max(shown.len())).map(|place| {
            seq = seq.next();
            let content = texts.get(place).cloned().unwrap_or_default();
            let files = shown.get(place).copied().unwrap_or_default();
            self.part(place, seq, content, files)
        });
        let parts: Option<Vec<_>> = parts.collect();
        if parts.is_some() {
            findings.repaired_times(Repair::LongTextSplit, u64::from(texts.len() > 1));
            findings.repaired_times(Repair::ManyFilesSplit, u64::from(shown.len() > 1));
        }
        parts.unwrap_or_default()
    }

    fn part(
        &self,
        place: usize,
        seq: Seq,
        content: Content,
        files: &[ImportedFile],
    ) -> Option<ImportedMessage> {
        let id = self.id;
        let id = if place == 0 { id.to_owned() } else { format!("{id}-{}", place + 1) };
        Some(ImportedMessage {
            id: MessageId::parse(&id).ok()?,
            seq,
            side: self.side,
            kind: self.kind,
            content,
            files: files.to_vec(),
            created_at: self.created_at,
            read_at: self.read_at,
        })
    }
}
