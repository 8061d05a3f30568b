//! Things that pretend to be pictures.

pub(super) const SVG: &[u8] =
    b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
pub(super) const HTML: &[u8] = b"<!doctype html><script>alert(1)</script>";
pub(super) const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>";
pub(super) const TIFF: &[u8] = b"II*\0\x08\0\0\0\0\0\0\0\0\0";
pub(super) const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1";

/// An archive with one empty entry: it is read from its end, so it may stand behind anything.
pub(super) fn archive() -> Vec<u8> {
    let entry =
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0Evil.class!!".to_vec();
    let mut end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    end.extend_from_slice(&u32::try_from(entry.len()).expect("short").to_le_bytes());
    end.extend_from_slice(&[0, 0]);
    [entry, end].concat()
}
