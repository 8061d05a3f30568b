use image::metadata::Orientation;

/// How an EXIF block says that the picture has to be turned, with or without its own heading.
/// Nothing else of it is read.
pub(super) fn orientation(block: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(block.strip_prefix(b"Exif\0\0").unwrap_or(block))
}
