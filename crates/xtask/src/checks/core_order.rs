//! The order of the modules of `sidecarset-core`, and the imports that break it so far.

/// An order of modules.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModuleOrder {
    /// The modules, lowest first: one names only those before it. Modules between the same brackets are a circle, and
    /// may name each other.
    pub(super) floors: &'static [&'static [&'static str]],
    /// The imports that run upwards all the same.
    pub(super) exceptions: &'static [UpwardImport],
}

/// An import that runs upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UpwardImport {
    /// The file, from `crates/core/src`.
    pub(super) file: &'static str,
    /// What it names, from the root of the crate.
    pub(super) target: &'static str,
}

const fn upward(file: &'static str, target: &'static str) -> UpwardImport {
    UpwardImport { file, target }
}

/// The order in `sidecarset-core`. It has no circle that is meant to be one.
pub(super) const CORE_ORDER: ModuleOrder = ModuleOrder {
    floors: &[
        // Values, and how Go reads and writes them.
        &["json"],
        &["merge"],
        &["quantity"],
        &["amount"],
        &["image"],
        &["path"],
        &["pattern"],
        &["sorted"],
        &["chain"],
        &["os"],
        &["expression"],
        &["amounts"],
        // What is written in a SidecarSet and on a Pod, one at a time.
        &["schema"],
        &["selection"],
        &["annotations"],
        &["normalize"],
        &["record"],
        // All sets, with their history.
        &["revision"],
        &["registration"],
        &["catalog"],
        // What happens to running Pods.
        &["rollout"],
        &["upgradable"],
        // What is answered to the API server.
        &["validation"],
        &["injection"],
        // What users are told, and the driver of all of it.
        &["status"],
        &["event"],
        &["reconcile"],
    ],
    exceptions: EXCEPTIONS,
};

/// Only ever shortened: no new import may run upwards.
const EXCEPTIONS: &[UpwardImport] = &[
    // A list of violations, and the checks of one text, are used wherever something is read: they are ground, and stand
    // in the module that uses them most.
    upward("selection.rs", "validation::Violations"),
    upward("selection/selector.rs", "validation::Violations"),
    upward("selection/selector.rs", "validation::is_label_value"),
    upward("selection/selector.rs", "validation::is_qualified_name"),
    upward("normalize.rs", "validation::Violations"),
    upward("normalize/failure_limit.rs", "validation::Violations"),
    upward("normalize/metadata.rs", "validation::Violations"),
    upward("normalize/metadata.rs", "validation::check_value"),
    upward("normalize/metadata.rs", "validation::is_qualified_name"),
    upward("normalize/ordering.rs", "validation::REQUIRED"),
    upward("normalize/ordering.rs", "validation::Violations"),
    upward("normalize/ordering.rs", "validation::duplicate"),
    upward("normalize/ordering.rs", "validation::out_of_range"),
    upward("normalize/os.rs", "validation::Violations"),
    upward("normalize/resources.rs", "validation::Violations"),
    upward("normalize/salvage.rs", "validation::Violations"),
    upward("normalize/sidecar.rs", "validation::Violations"),
    upward("normalize/spelling.rs", "validation::Violations"),
    upward("normalize/strategy.rs", "validation::Violations"),
    upward("normalize/transfer.rs", "validation::is_qualified_name"),
    upward("revision/pin.rs", "validation::Violations"),
    upward("revision/pin.rs", "validation::is_dns_subdomain"),
    upward("revision/pin.rs", "validation::is_label_value"),
    upward("catalog.rs", "validation::Violations"),
    upward("catalog/revisions.rs", "validation::Violations"),
    // The checks of one set alone are a part of reading it. Only those among other sets are above the catalog.
    upward("normalize.rs", "validation"),
    upward("catalog.rs", "validation::canary_base"),
    upward("rollout/upgrade.rs", "validation::is_fixed_at_creation"),
    // The permission to write metadata onto Pods is kept with the sets to which it applies.
    upward("catalog/revisions.rs", "validation::Permissions"),
    upward("catalog/revisions.rs", "validation::Whitelist"),
    // A set carries what history says of it: the data, not the functions that read history.
    upward("normalize.rs", "revision"),
    upward("normalize.rs", "revision::Difference"),
    upward("normalize.rs", "revision::Draft"),
    upward("normalize.rs", "revision::Failure"),
    upward("normalize.rs", "revision::Fingerprint"),
    upward("normalize.rs", "revision::Hashes"),
    upward("normalize.rs", "revision::Pin"),
    // Each container of a set carries which rules of Pods it has to be checked against, found once for all Pods.
    upward("normalize/sidecar.rs", "injection::rules::Rules"),
    // A field of the API, defined where it is acted upon.
    upward("normalize.rs", "registration::FailurePolicy"),
    // The recorded hashes of a Pod are written from a set.
    upward("annotations/hash.rs", "normalize::CanonicalSet"),
    // A trait of selectors, implemented where the map is defined.
    upward("sorted.rs", "selection::Labels"),
    // What the catalog keeps of namespaces and names, and the scopes are made from.
    upward("registration.rs", "catalog::Reservation"),
    upward("registration/group.rs", "catalog::Reservation"),
    upward("registration/relabeling.rs", "catalog::NamespaceLabels"),
    // Which sets a Pod lacks is asked of the Pod, and answered from the catalog.
    upward("record/observed.rs", "catalog::Catalog"),
    // The condition is remembered of a Pod as it was read.
    upward("record.rs", "upgradable::Upgradable"),
    upward("record/interner.rs", "upgradable::Upgradable"),
    upward("record/observed.rs", "upgradable::Upgradable"),
    upward("record/observed.rs", "upgradable::is_kind"),
    // The verdict on a failed rollout is given where the sets are stored, because it changes the stored set.
    upward("catalog/failure.rs", "rollout::is_ready"),
    upward("catalog/failure.rs", "rollout::is_updated"),
    upward("catalog/failure.rs", "rollout::judge"),
    upward("catalog/failure.rs", "status"),
];
