//! Parameters of `bond` (economy: Bonds and pools).

use crate::params::ParamSpec;

/// How long a bond stays locked.
pub const LOCK_MS: ParamSpec = ParamSpec {
    name: "bond/lock_ms",
    network: 1_814_400_000,
    local: 1_814_400_000,
    min: 1_000,
    max: 31_536_000_000,
    unit: "ms",
    doc: "Time for which a bond stays locked after its node left the committee: 21 days, as long as evidence of equivocation is accepted",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[LOCK_MS];
