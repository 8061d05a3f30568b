//! Who looks on.

use domain::import::Refused;

use crate::Tally;

/// Hears what an import does while it does it, so that nothing has to be remembered until its end.
pub trait Watcher: Send {
    /// The import goes on where an earlier one stood, which had counted `so_far`.
    fn resumed(&mut self, so_far: &Tally);

    /// Something was left out.
    fn refused(&mut self, refused: &Refused);

    /// A page is done.
    fn page(&mut self, so_far: &Tally);
}
