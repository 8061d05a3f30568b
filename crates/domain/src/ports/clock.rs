use crate::time::Timestamp;

/// Tells the time (D18).
pub trait Clock: Send + Sync {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;
}
