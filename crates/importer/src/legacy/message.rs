//! Messages of the former system.

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
    rows::{FormerTime, LegacyFile, LegacyMessage, Raw},
    text::contents,
};

/// What a message says instead of showing files that were all refused.
pub const LOST_FILE_TEXT: &str = "[Pièce jointe indisponible]";

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
    let files: Vec<_> = former.files.iter().filter_map(|former| file(former, findings)).collect();
    let texts = contents(&former.content.0, findings);
    let texts = if !texts.is_empty() || !files.is_empty() {
        texts
    } else if former.files.is_empty() {
        findings.refuse(ImportedKind::Message, &former.id.0, Refusal::SaysNothing);
        return Vec::new();
    } else {
        findings.repaired(Repair::LostFileNoted);
        vec![Content::parse(LOST_FILE_TEXT).expect("a text of ours is one")]
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

// Files of the former system's messages.

/// What a file without a name is called.
const NAMELESS_FILE: &str = "image";

/// The file; `None`, and why, when our rules do not allow it.
fn file(former: &LegacyFile, findings: &mut Findings) -> Option<ImportedFile> {
    match checked(former) {
        Ok((id, url, media_type, size_bytes)) => {
            let name = name(&former.name.0, findings);
            let upload_key = upload_key(former.upload_key.as_ref(), findings);
            Some(ImportedFile { id, name, url, media_type, size_bytes, upload_key })
        }
        Err(reason) => {
            findings.refuse(ImportedKind::File, &former.id.0, reason);
            None
        }
    }
}

fn checked(former: &LegacyFile) -> Result<(AttachmentId, FileUrl, MediaType, u32), Refusal> {
    Ok((
        AttachmentId::parse(&former.id.0).map_err(|_| Refusal::InvalidId)?,
        FileUrl::parse(&former.url.0).map_err(|_| Refusal::UrlNotAllowed)?,
        MediaType::parse(&former.media_type).map_err(|_| Refusal::TypeNotAllowed)?,
        check_size(former.size_bytes).map_err(|_| Refusal::SizeNotAllowed)?,
    ))
}

/// The name, without what could lead somewhere else.
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

    fn former() -> LegacyFile {
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
            (LegacyFile { id: Raw("a b".to_owned()), ..former() }, Refusal::InvalidId),
            (
                LegacyFile { url: Raw("http://utfs.io/f/a".to_owned()), ..former() },
                Refusal::UrlNotAllowed,
            ),
            (
                LegacyFile { media_type: "text/html".to_owned(), ..former() },
                Refusal::TypeNotAllowed,
            ),
            (LegacyFile { size_bytes: 0, ..former() }, Refusal::SizeNotAllowed),
        ];
        for (former, reason) in bad {
            let mut findings = Findings::default();
            assert_eq!(file(&former, &mut findings), None);
            assert_eq!(findings.refused[0].reason, reason);
        }
    }

    #[test]
    fn a_name_is_made_usable() {
        let mut findings = Findings::default();
        for (raw, repaired) in [("", "image"), ("C:\\a/b\n.png", "C:_a_b .png"), ("é.png", "é.png")]
        {
            let former = LegacyFile { name: Raw(raw.to_owned()), ..former() };
            assert_eq!(file(&former, &mut findings).expect("taken").name, repaired);
        }
        let former = LegacyFile { upload_key: Some(Raw(String::new())), ..former() };
        assert_eq!(file(&former, &mut findings).expect("taken").upload_key, None);
        let told = [(Repair::FileNameMended, 2), (Repair::UploadKeyDropped, 1)];
        assert_eq!(findings.repairs, told.into());
    }

    #[test]
    fn a_long_name_is_cut_between_what_readers_see_as_characters() {
        let long = format!("{}\u{1f44b}\u{1f3fd}.png", "a".repeat(FILE_NAME_MAX_CHARS - 1));
        let former = LegacyFile { name: Raw(long), ..former() };
        let kept = file(&former, &mut Findings::default()).expect("taken").name;
        assert_eq!(kept, "a".repeat(FILE_NAME_MAX_CHARS - 1));
    }
}
