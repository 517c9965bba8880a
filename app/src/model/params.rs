//! Parameters of `model`.

use crate::params::ParamSpec;

/// Announcements of a node in an epoch.
pub const MAX_ANNOUNCEMENTS: ParamSpec = ParamSpec {
    name: "model/max_announcements",
    network: 64,
    local: 64,
    min: 1,
    max: 10_000,
    unit: "messages",
    doc: "Most loads and unloads that a node may announce in an epoch, free of charge",
};

/// Registered models.
pub const MAX_MODELS: ParamSpec = ParamSpec {
    name: "model/max_models",
    network: 1_000,
    local: 1_000,
    min: 1,
    max: 100_000,
    unit: "models",
    doc: "Most models that may be registered, retired ones included",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[MAX_ANNOUNCEMENTS, MAX_MODELS];
