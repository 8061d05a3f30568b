//! Files of the former system's messages.

use super::{
    Findings, ImportedKind, Refusal, Repair,
    former::{LegacyFile, Raw},
};
use crate::{
    conversation::attachment::{
        FILE_NAME_MAX_CHARS, FileUrl, MediaType, check_size, check_upload_key, tidied_name,
    },
    ids::AttachmentId,
    text::{beginning, is_blank, tidied_line},
};

/// What a file without a name is called.
const NAMELESS_FILE: &str = "image";

/// A file that lies with the upload service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Which.
    pub id: AttachmentId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: FileUrl,
    /// What it is.
    pub media_type: MediaType,
    /// How large it is, in bytes: 1 to [`FILE_MAX_BYTES`](crate::conversation::attachment::FILE_MAX_BYTES).
    pub size_bytes: u32,
    /// What the upload service calls it.
    pub upload_key: Option<String>,
}

/// The file; `None`, and why, when our rules do not allow it.
pub(super) fn file(former: &LegacyFile, findings: &mut Findings) -> Option<ImportedFile> {
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
