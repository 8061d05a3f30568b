//! Converts messages and their files.

use domain::{
    conversation::{
        Side,
        attachment::{
            ATTACHMENTS_MAX, FILE_NAME_MAX_CHARS, FileUrl, MediaType, check_size, check_upload_key,
            tidied_name,
        },
        message::MessageKind,
    },
    ids::{AttachmentId, MessageId, Seq},
    import::{ImportedFile, ImportedMessage, Refusal},
    text::{Content, beginning, is_blank, tidied_line},
    time::Timestamp,
};

use super::{
    Findings, ImportedKind, Repair,
    rows::{LegacyFile, LegacyMessage, LegacyTime, Raw},
    text::contents,
};

/// The text of a message without a text all of whose files were refused.
pub const LOST_FILE_TEXT: &str = "[Pièce jointe indisponible]";

/// Converts a message of `side`, at the positions behind `after`. It is split if its text is too long or its files are
/// too many; the result is empty if it is refused.
pub(super) fn messages(
    legacy: &LegacyMessage,
    side: Side,
    after: Seq,
    findings: &mut Findings,
) -> Vec<ImportedMessage> {
    let Some(created_at) = legacy.created_at.known() else {
        findings.refuse(ImportedKind::Message, &legacy.id.0, Refusal::ImpossibleDate);
        return Vec::new();
    };
    let files: Vec<_> = legacy.files.iter().filter_map(|legacy| file(legacy, findings)).collect();
    let texts = contents(&legacy.content.0, findings);
    let texts = if !texts.is_empty() || !files.is_empty() {
        texts
    } else if legacy.files.is_empty() {
        findings.refuse(ImportedKind::Message, &legacy.id.0, Refusal::SaysNothing);
        return Vec::new();
    } else {
        findings.repaired(Repair::LostFileNoted);
        vec![Content::parse(LOST_FILE_TEXT).expect("a valid text")]
    };
    let read_at = legacy.read_at.filter(|_| legacy.is_read);
    if read_at == Some(LegacyTime::Impossible) {
        findings.refuse_date(&legacy.id.0, "readAt");
    }
    let unsplit = UnsplitMessage {
        id: &legacy.id.0,
        created_at,
        read_at: read_at.and_then(LegacyTime::known),
        side,
        kind: kind(legacy, findings),
        texts: &texts,
        files: &files,
    };
    let parts = unsplit.split(after, findings);
    if parts.is_empty() {
        findings.refuse(ImportedKind::Message, &legacy.id.0, Refusal::InvalidId);
    } else if legacy.is_archived {
        findings.repaired(Repair::ArchiveMarkDropped);
    }
    parts
}

fn kind(legacy: &LegacyMessage, findings: &mut Findings) -> MessageKind {
    MessageKind::parse(&legacy.kind).unwrap_or_else(|| {
        findings.repaired(Repair::KindUnknown);
        MessageKind::Text
    })
}

/// A message whose text and files may exceed the bounds of one.
struct UnsplitMessage<'m> {
    id: &'m str,
    created_at: Timestamp,
    read_at: Option<Timestamp>,
    side: Side,
    kind: MessageKind,
    texts: &'m [Content],
    files: &'m [ImportedFile],
}

impl UnsplitMessage<'_> {
    /// As few messages as possible; empty if its id is invalid.
    fn split(&self, after: Seq, findings: &mut Findings) -> Vec<ImportedMessage> {
        let texts = self.texts;
        let chunks: Vec<_> = self.files.chunks(ATTACHMENTS_MAX).collect();
        let mut seq = after;
        let parts = (0..texts.len().max(chunks.len())).map(|index| {
            seq = seq.next();
            let content = texts.get(index).cloned().unwrap_or_default();
            let files = chunks.get(index).copied().unwrap_or_default();
            self.part(index, seq, content, files)
        });
        let parts: Option<Vec<_>> = parts.collect();
        if parts.is_some() {
            findings.repaired_times(Repair::LongTextSplit, u64::from(texts.len() > 1));
            findings.repaired_times(Repair::ManyFilesSplit, u64::from(chunks.len() > 1));
        }
        parts.unwrap_or_default()
    }

    fn part(
        &self,
        index: usize,
        seq: Seq,
        content: Content,
        files: &[ImportedFile],
    ) -> Option<ImportedMessage> {
        let id = self.id;
        let id = if index == 0 { id.to_owned() } else { format!("{id}-{}", index + 1) };
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

// Files.

/// The name of a file without a usable one.
const NAMELESS_FILE: &str = "image";

/// Converts a file; `None` if it is refused.
fn file(legacy: &LegacyFile, findings: &mut Findings) -> Option<ImportedFile> {
    match checked(legacy) {
        Ok((id, url, media_type, size_bytes)) => {
            let name = name(&legacy.name.0, findings);
            let upload_key = upload_key(legacy.upload_key.as_ref(), findings);
            Some(ImportedFile { id, name, url, media_type, size_bytes, upload_key })
        }
        Err(reason) => {
            findings.refuse(ImportedKind::File, &legacy.id.0, reason);
            None
        }
    }
}

fn checked(legacy: &LegacyFile) -> Result<(AttachmentId, FileUrl, MediaType, u32), Refusal> {
    Ok((
        AttachmentId::parse(&legacy.id.0).map_err(|_| Refusal::InvalidId)?,
        FileUrl::parse(&legacy.url.0).map_err(|_| Refusal::UrlNotAllowed)?,
        MediaType::parse(&legacy.media_type).map_err(|_| Refusal::TypeNotAllowed)?,
        check_size(legacy.size_bytes).map_err(|_| Refusal::SizeNotAllowed)?,
    ))
}

/// The name, without path separators.
fn name(raw: &str, findings: &mut Findings) -> String {
    if let Ok(name) = tidied_name(raw) {
        return name;
    }
    findings.repaired(Repair::FileNameMended);
    let name = tidied_line(raw).replace(['/', '\\'], "_");
    let name = beginning(&name, FILE_NAME_MAX_CHARS);
    if is_blank(name) { NAMELESS_FILE.to_owned() } else { name.to_owned() }
}

fn upload_key(raw: Option<&Raw>, findings: &mut Findings) -> Option<String> {
    let key = raw.map(|raw| raw.0.as_str());
    if check_upload_key(key).is_err() {
        findings.repaired(Repair::UploadKeyDropped);
        return None;
    }
    key.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legacy() -> LegacyFile {
        LegacyFile {
            id: Raw("f1".to_owned()),
            name: Raw("bras.webp".to_owned()),
            url: Raw("https://utfs.io/f/abc".to_owned()),
            media_type: "image/webp".to_owned(),
            size_bytes: 10,
            upload_key: Some(Raw("abc".to_owned())),
        }
    }

    #[test]
    fn a_file_elsewhere_of_another_type_or_size_is_refused() {
        let bad = [
            (LegacyFile { id: Raw("a b".to_owned()), ..legacy() }, Refusal::InvalidId),
            (
                LegacyFile { url: Raw("http://utfs.io/f/a".to_owned()), ..legacy() },
                Refusal::UrlNotAllowed,
            ),
            (
                LegacyFile { media_type: "text/html".to_owned(), ..legacy() },
                Refusal::TypeNotAllowed,
            ),
            (LegacyFile { size_bytes: 0, ..legacy() }, Refusal::SizeNotAllowed),
        ];
        for (legacy, reason) in bad {
            let mut findings = Findings::default();
            assert_eq!(file(&legacy, &mut findings), None);
            assert_eq!(findings.refused[0].reason, reason);
        }
    }

    #[test]
    fn a_file_name_is_repaired() {
        let mut findings = Findings::default();
        for (raw, repaired) in [("", "image"), ("C:\\a/b\n.png", "C:_a_b .png"), ("é.png", "é.png")]
        {
            let legacy = LegacyFile { name: Raw(raw.to_owned()), ..legacy() };
            assert_eq!(file(&legacy, &mut findings).expect("taken").name, repaired);
        }
        let legacy = LegacyFile { upload_key: Some(Raw(String::new())), ..legacy() };
        assert_eq!(file(&legacy, &mut findings).expect("taken").upload_key, None);
        let repairs = [(Repair::FileNameMended, 2), (Repair::UploadKeyDropped, 1)];
        assert_eq!(findings.repairs, repairs.into());
    }

    #[test]
    fn a_long_name_is_cut_between_what_readers_see_as_characters() {
        let long = format!("{}\u{1f44b}\u{1f3fd}.png", "a".repeat(FILE_NAME_MAX_CHARS - 1));
        let legacy = LegacyFile { name: Raw(long), ..legacy() };
        let kept = file(&legacy, &mut Findings::default()).expect("taken").name;
        assert_eq!(kept, "a".repeat(FILE_NAME_MAX_CHARS - 1));
    }
}
