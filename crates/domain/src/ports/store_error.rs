/// What went wrong with the store. The driver's own error is kept as the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke. A change that was under way may have
    /// happened or not: repeat it under the same key.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is there and has no place for this request now. Nothing was changed.
    #[error("the store is busy")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store answered what cannot be: a fault of ours. Nothing was changed.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}
