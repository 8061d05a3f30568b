//! What can be told of an error by the words of the server, and what may be kept of them.

use super::Class;

/// How PostgreSQL begins to say that it could not serve us now. Diesel passes on the kinds of error
/// it has names for and drops the SQLSTATE of all others, so these are told by their text. A server
/// with another `lc_messages` than English has them end as [`Class::Internal`].
const PHRASES: [(&str, Class); 14] = [
    ("terminating connection", Class::Unavailable),
    ("the database system is", Class::Unavailable),
    ("canceling statement due to conflict with recovery", Class::Again),
    ("canceling statement", Class::Busy),
    ("deadlock detected", Class::Again),
    ("sorry, too many clients", Class::Busy),
    ("remaining connection slots", Class::Busy),
    ("too many connections", Class::Busy),
    ("could not extend file", Class::Busy),
    ("could not write", Class::Busy),
    ("could not fsync", Class::Busy),
    ("could not resize shared memory", Class::Busy),
    ("out of memory", Class::Busy),
    ("out of shared memory", Class::Busy),
];

/// What can be done about an error that PostgreSQL words like this.
pub(super) fn class_of(message: &str) -> Class {
    let known = PHRASES.iter().find(|(phrase, _)| message.starts_with(phrase));
    known.map_or(Class::Internal, |(_, class)| *class)
}

/// `message` without what stands between its first and its last quotation mark: that may be a value.
pub(super) fn without_quotations(message: &str) -> String {
    let mark = |c: char| matches!(c, '"' | '\'' | '«' | '»' | '“' | '”' | '„' | '‘' | '’');
    match (message.find(mark), message.rfind(mark)) {
        (Some(first), Some(last)) => {
            let after = message[last..].chars().next().map_or(last, |mark| last + mark.len_utf8());
            format!("{}…{}", &message[..first], &message[after..])
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_value_is_left_out() {
        let table = [
            ("relation \"messaging.message\" does not exist", "relation … does not exist"),
            (
                "invalid input syntax for type json: \"a\"b\"",
                "invalid input syntax for type json: …",
            ),
            ("la relation « message » n'existe pas", "la relation …existe pas"),
            ("one ' only", "one … only"),
            ("deadlock detected", "deadlock detected"),
        ];
        for (message, kept) in table {
            assert_eq!(without_quotations(message), kept);
        }
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let table = [
            ("canceling statement due to statement timeout", Class::Busy),
            ("canceling statement due to lock timeout", Class::Busy),
            ("deadlock detected", Class::Again),
            ("could not extend file \"base/1/2\": No space left on device", Class::Busy),
            ("terminating connection due to administrator command", Class::Unavailable),
            ("column \"x\" does not exist", Class::Internal),
        ];
        for (message, class) in table {
            assert_eq!(class_of(message), class, "{message}");
        }
    }
}
