//! The sizes of the function, and the proof that they keep it exact.
//!
//! A [`Preset`] can only be made by [`Preset::prove`], which refuses sizes for which some sum
//! of absolute values could pass 2^24. Below that limit every partial sum is exact in an f32
//! accumulator in any order, which is what makes all backends agree.
// Const arithmetic on sizes capped at 2^20 each: no product below can pass 2^63.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use core::ops::Deref;

use crate::target;

/// No sum of absolute values may pass 2^24: up to there an f32 holds every integer.
pub const EXACT_LIMIT: u64 = 1 << 24;

/// The largest activation of `rq` and `norm`.
pub const ACTIVATION_MAX: u64 = 127;
/// The largest activation after attention, and the largest output.
pub const NARROW_MAX: u64 = 63;
/// The largest weight.
pub const WEIGHT_MAX: u64 = 15;

/// The sizes, shifts and threshold of a preset; all counts in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The name users choose the preset by.
    pub name: &'static str,
    /// Transformer layers.
    pub layers: usize,
    /// Width of the residual stream and of the output.
    pub d_model: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of one head.
    pub d_head: usize,
    /// Width of the feed-forward block.
    pub d_ffn: usize,
    /// Rows of the embedding.
    pub vocab: usize,
    /// Tokens per nonce.
    pub seq: usize,
    /// Requantisation shift after Wq, Wk and Wv.
    pub s_qkv: u32,
    /// Shift of the attention scores.
    pub s_score: u32,
    /// Requantisation shift after Wo.
    pub s_attn_out: u32,
    /// Requantisation shift after Wgate and Wup.
    pub s_ffn_in: u32,
    /// Requantisation shift after Wdown.
    pub s_ffn_out: u32,
    /// A nonce is appropriate when its squared distance to the target is at most this.
    pub threshold: u32,
    /// `Q`, `d_model` entries: the target before its shuffle.
    pub target_table: &'static [i8],
}

/// A [`Spec`] whose sums are proven exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset(Spec);

/// Why a [`Spec`] is no preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// Some sum could leave the range in which f32 is exact.
    #[error("the sums of {quantity} can reach {bound}, above the limit of 16777216 below which every device is exact; make the sizes smaller")]
    Inexact {
        /// Which sum.
        quantity: &'static str,
        /// Its largest absolute value.
        bound: u64,
    },
    /// A size that the definition cannot work with.
    #[error("bad size: {0}")]
    Size(&'static str),
    /// No preset has this name.
    #[error("unknown preset; known presets are paper, small and tiny")]
    Unknown,
}

/// 64 layers, 2,285,897,728 parameters, about 1 nonce in 900: the network's preset.
pub static PAPER: Preset = proven(Spec {
    name: "paper",
    layers: 64,
    d_model: 512,
    heads: 128,
    d_head: 88,
    d_ffn: 8192,
    vocab: 8192,
    seq: 4,
    s_qkv: 8,
    s_score: 7,
    s_attn_out: 10,
    s_ffn_in: 8,
    s_ffn_out: 8,
    threshold: 224_000,
    target_table: &target::PAPER,
});

/// `paper` with a quarter of its layers, heads and feed-forward width, 146,802,688 parameters: for
/// networks of CPUs. A sum over a quarter of the terms spreads half as far, so `s_attn_out` and
/// `s_ffn_out` are smaller by one, and every activation spreads as it does in `paper`.
pub static SMALL: Preset = proven(Spec {
    name: "small",
    layers: 16,
    d_model: 512,
    heads: 32,
    d_head: 88,
    d_ffn: 2048,
    vocab: 8192,
    seq: 4,
    s_qkv: 8,
    s_score: 7,
    s_attn_out: 9,
    s_ffn_in: 8,
    s_ffn_out: 7,
    threshold: 232_250,
    target_table: &target::PAPER,
});

/// 4 layers, 344,320 parameters, about 1 nonce in 20: for tests and local networks.
pub static TINY: Preset = proven(Spec {
    name: "tiny",
    layers: 4,
    d_model: 64,
    heads: 8,
    d_head: 16,
    d_ffn: 256,
    vocab: 256,
    seq: 4,
    s_qkv: 7,
    s_score: 4,
    s_attn_out: 7,
    s_ffn_in: 7,
    s_ffn_out: 6,
    threshold: 25_650,
    target_table: &target::TINY,
});

/// Every preset.
pub static ALL: [&Preset; 3] = [&PAPER, &SMALL, &TINY];

/// Fails the build when a preset of this file is not exact.
const fn proven(spec: Spec) -> Preset {
    match Preset::prove(spec) {
        Ok(preset) => preset,
        Err(_) => panic!("a preset breaks the bound of exactness"),
    }
}

impl Deref for Preset {
    type Target = Spec;
    fn deref(&self) -> &Spec {
        &self.0
    }
}

impl Preset {
    /// The preset called `name`.
    ///
    /// # Errors
    /// [`PresetError::Unknown`] when there is none.
    pub fn by_name(name: &str) -> Result<&'static Preset, PresetError> {
        ALL.into_iter()
            .find(|preset| preset.name == name)
            .ok_or(PresetError::Unknown)
    }

    /// Accepts `spec` if no sum of absolute values in the function can pass 2^24.
    ///
    /// # Errors
    /// The first size or sum that is refused.
    pub const fn prove(spec: Spec) -> Result<Preset, PresetError> {
        if let Err(error) = spec.sizes() {
            return Err(error);
        }
        let bounds = spec.bounds();
        let mut i = 0;
        while i < bounds.len() {
            let (quantity, bound) = bounds[i];
            if bound >= EXACT_LIMIT {
                return Err(PresetError::Inexact { quantity, bound });
            }
            i += 1;
        }
        Ok(Preset(spec))
    }
}

impl Spec {
    /// Width of all heads together: `heads * d_head`.
    pub const fn d_attn(&self) -> usize {
        self.heads * self.d_head
    }

    /// Weights of one layer: Wq, Wk, Wv, Wo, Wgate, Wup, Wdown.
    pub const fn layer_parameters(&self) -> u64 {
        4 * (self.d_model as u64) * (self.d_attn() as u64)
            + 3 * (self.d_model as u64) * (self.d_ffn as u64)
    }

    /// All weights, the embedding and the positions included.
    pub const fn parameters(&self) -> u64 {
        (self.vocab as u64 + self.seq as u64) * (self.d_model as u64)
            + (self.layers as u64) * self.layer_parameters()
    }

    /// Operations of the matrix products for one nonce, two per multiply-add.
    pub const fn flop_per_nonce(&self) -> u64 {
        2 * (self.seq as u64) * (self.layers as u64) * self.layer_parameters()
    }

    /// Worst case of every sum, as sums of absolute values, so that any order or split is safe.
    pub const fn bounds(&self) -> [(&'static str, u64); 8] {
        let d_model = self.d_model as u64;
        let product = ACTIVATION_MAX * WEIGHT_MAX;
        [
            ("q, k, v, gate and up", product * d_model),
            (
                "an attention score",
                ACTIVATION_MAX * ACTIVATION_MAX * self.d_head as u64,
            ),
            // r <= 65536 / sum(w) and |sum(w v)| <= 127 sum(w).
            ("the attention numerator", ACTIVATION_MAX * 65_536 + 32_768),
            (
                "the attention output Wo",
                NARROW_MAX * WEIGHT_MAX * self.d_attn() as u64,
            ),
            ("the feed-forward output Wdown", product * self.d_ffn as u64),
            // |y_i| <= S and m <= 51 d_model 128 / S.
            ("norm", 51 * 128 * d_model + 128),
            // The residual and its update, each at most 127.
            ("the norm's sum", 2 * ACTIVATION_MAX * d_model),
            ("the distance", 4 * NARROW_MAX * NARROW_MAX * d_model),
        ]
    }

    /// Most tokens per nonce: what a pass over them can keep at hand.
    pub const MAX_SEQ: usize = 16;

    const fn sizes(&self) -> Result<(), PresetError> {
        const CAP: usize = 1 << 20;
        let sizes = [
            self.layers,
            self.d_model,
            self.heads,
            self.d_head,
            self.d_ffn,
            self.vocab,
            self.seq,
        ];
        let mut i = 0;
        while i < sizes.len() {
            if sizes[i] == 0 || sizes[i] > CAP {
                return Err(PresetError::Size("every size must be in 1..=2^20"));
            }
            i += 1;
        }
        if !self.d_model.is_multiple_of(8)
            || !self.d_attn().is_multiple_of(8)
            || !self.d_ffn.is_multiple_of(8)
        {
            return Err(PresetError::Size(
                "d_model, heads * d_head and d_ffn must be multiples of 8, so that a row of weights is whole stream words",
            ));
        }
        if self.vocab > 1 << 16 {
            return Err(PresetError::Size(
                "vocab must be at most 65536: a token is a u16",
            ));
        }
        if self.seq > Self::MAX_SEQ {
            return Err(PresetError::Size("seq must be at most 16"));
        }
        if self.target_table.len() != self.d_model {
            return Err(PresetError::Size(
                "the target table must have d_model entries",
            ));
        }
        let shifts = [
            self.s_qkv,
            self.s_score,
            self.s_attn_out,
            self.s_ffn_in,
            self.s_ffn_out,
        ];
        let mut i = 0;
        while i < shifts.len() {
            if shifts[i] == 0 || shifts[i] > 16 {
                return Err(PresetError::Size("every shift must be in 1..=16"));
            }
            i += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "preset_tests.rs"]
mod tests;
