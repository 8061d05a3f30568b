use uuid::Uuid;

/// Mints ids (D2, D18).
pub trait Ids: Send + Sync {
    /// An id that nobody has, version 7 (RFC 9562, section 5.7), so that an index of them grows at
    /// its end.
    fn next(&self) -> Uuid;
}
