use domain::ports::Ids;
use uuid::Uuid;

/// Ids of version 7, from the machine's clock and randomness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_version_7_and_sorts_after_the_one_before() {
        let (first, second) = (SystemIds.next(), SystemIds.next());
        assert_eq!(first.get_version_num(), 7);
        assert!(first < second);
    }
}
