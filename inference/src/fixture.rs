//! A tiny random model for tests: llama architecture, 2 layers, 512 tokens, Q8_0, a byte-level
//! tokenizer and a chat template; about 0.45 MB, the same bytes for the same seed everywhere.
//!
//! Its answers are nonsense made of readable word pieces: raw bytes and special tokens are never
//! likely, so an answer ends only by its limit, unless a test forces a token.

use std::io;
use std::path::Path;

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

/// Context length of the model, in tokens.
pub const CONTEXT_LENGTH: u32 = 1024;
/// Tokens in the vocabulary.
pub const VOCABULARY_SIZE: u32 = 512;
/// The token that ends an answer.
pub const END_TOKEN: u32 = 2;

const WIDTH: u64 = 128;
const FEED_FORWARD: u64 = 256;
const LAYERS: u32 = 2;
const HEADS: u32 = 4;
const KEY_VALUE_HEADS: u32 = 2;
const KEY_VALUE_WIDTH: u64 = WIDTH / HEADS as u64 * KEY_VALUE_HEADS as u64;

const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const CHAT_TEMPLATE: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + \
'\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}\
{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Words whose pieces fill the vocabulary.
const WORDS: &str = "the of and to in is that for it with as was on are by this be at from or \
have an not which but all were when there can more will would about out other into some than \
them only time could these two may first then any now such like over even most made after also \
where many before must through years much way well should because each just those people how too \
little state good very make world still own see men work long here get both between life being \
under never day same another know while last might us great old year off come since against go \
came right used take three model token answer question number network machine compute verify proof \
race seed block chain reward honest light water fire stone river mountain bird tree green blue";

const TYPE_F32: u32 = 0;
const TYPE_Q8_0: u32 = 8;
const ALIGNMENT: usize = 32;
const BLOCK: u64 = 32;

/// Scale of a Q8_0 block as IEEE half: weights are `i8 * 2^-9`, about 0.14 in size on average.
const MATRIX_SCALE: u16 = 0x1800;
/// Output rows are larger, `i8 * 2^-8`, so that logits spread over several nats.
const OUTPUT_SCALE: u16 = 0x1c00;

/// Writes the model for `seed` to `path`.
///
/// # Errors
/// What the file system says.
pub fn write_tiny_gguf(path: &Path, seed: u64) -> io::Result<()> {
    std::fs::write(path, tiny_gguf(seed))
}

/// The bytes of the model for `seed`.
#[must_use]
pub fn tiny_gguf(seed: u64) -> Vec<u8> {
    tiny_gguf_split_as(seed, "gpt-2")
}

/// The bytes of the model for `seed`, whose text is split into words as those of the model family
/// `pre` (`tokenizer.ggml.pre`).
#[must_use]
pub fn tiny_gguf_split_as(seed: u64, pre: &str) -> Vec<u8> {
    let vocabulary = Vocabulary::build();
    let tensors = tensors(seed, &vocabulary);

    let mut out = Writer(Vec::new());
    out.0.extend_from_slice(b"GGUF");
    out.u32(3);
    out.u64(tensors.len() as u64);
    let entries = entries(&vocabulary, pre);
    out.u64(entries.len() as u64);
    for (key, value) in &entries {
        out.text(key);
        out.0.extend_from_slice(value);
    }
    let mut offset = 0;
    for tensor in &tensors {
        out.text(&tensor.name);
        out.u32(tensor.shape.len() as u32);
        for &dimension in &tensor.shape {
            out.u64(dimension);
        }
        out.u32(tensor.kind);
        out.u64(offset);
        offset += tensor.data.len().next_multiple_of(ALIGNMENT) as u64;
    }
    out.pad();
    for tensor in &tensors {
        out.0.extend_from_slice(&tensor.data);
        out.pad();
    }
    out.0
}

/// Token texts in the tokenizer's byte alphabet, and the merges that make them.
struct Vocabulary {
    tokens: Vec<String>,
    merges: Vec<String>,
    /// Ids from here on are word pieces.
    first_piece: usize,
}

impl Vocabulary {
    fn build() -> Self {
        let mut tokens: Vec<String> = SPECIAL.iter().map(ToString::to_string).collect();
        tokens.extend((0..=255u8).map(|byte| byte_letter(byte).to_string()));
        let first_piece = tokens.len();
        let mut merges = Vec::new();
        'words: for word in WORDS.split_whitespace() {
            let mut left = byte_letter(b' ').to_string();
            for letter in word.chars() {
                let merged = format!("{left}{letter}");
                if !tokens.contains(&merged) {
                    if tokens.len() == VOCABULARY_SIZE as usize {
                        break 'words;
                    }
                    merges.push(format!("{left} {letter}"));
                    tokens.push(merged.clone());
                }
                left = merged;
            }
        }
        assert_eq!(tokens.len(), VOCABULARY_SIZE as usize, "too few words");
        Self {
            tokens,
            merges,
            first_piece,
        }
    }
}

/// The printable character that stands for a byte in a byte-level vocabulary.
fn byte_letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    if printable(byte) {
        return char::from(byte);
    }
    let rank = (0..byte).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(256 + rank).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn entries(vocabulary: &Vocabulary, pre: &str) -> Vec<(String, Vec<u8>)> {
    let text = |value: &str| {
        let mut out = Writer(Vec::new());
        out.u32(8);
        out.text(value);
        out.0
    };
    let number = |value: u32| {
        let mut out = Writer(Vec::new());
        out.u32(4);
        out.u32(value);
        out.0
    };
    let small = |value: f32| {
        let mut out = Writer(Vec::new());
        out.u32(6);
        out.u32(value.to_bits());
        out.0
    };
    let no = || {
        let mut out = Writer(Vec::new());
        out.u32(7);
        out.0.push(0);
        out.0
    };
    let texts = |values: &[String]| {
        let mut out = Writer(Vec::new());
        out.u32(9);
        out.u32(8);
        out.u64(values.len() as u64);
        for value in values {
            out.text(value);
        }
        out.0
    };
    // 3: control token, 1: normal.
    let kinds = {
        let mut out = Writer(Vec::new());
        out.u32(9);
        out.u32(5);
        out.u64(vocabulary.tokens.len() as u64);
        for index in 0..vocabulary.tokens.len() {
            out.u32(if index < SPECIAL.len() { 3 } else { 1 });
        }
        out.0
    };
    [
        ("general.architecture", text("llama")),
        ("general.name", text("tiny random")),
        ("general.file_type", number(7)),
        ("llama.context_length", number(CONTEXT_LENGTH)),
        ("llama.embedding_length", number(WIDTH as u32)),
        ("llama.block_count", number(LAYERS)),
        ("llama.feed_forward_length", number(FEED_FORWARD as u32)),
        ("llama.attention.head_count", number(HEADS)),
        ("llama.attention.head_count_kv", number(KEY_VALUE_HEADS)),
        ("llama.attention.layer_norm_rms_epsilon", small(1e-5)),
        ("llama.rope.dimension_count", number(WIDTH as u32 / HEADS)),
        ("llama.vocab_size", number(VOCABULARY_SIZE)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(pre)),
        ("tokenizer.ggml.tokens", texts(&vocabulary.tokens)),
        ("tokenizer.ggml.token_type", kinds),
        ("tokenizer.ggml.merges", texts(&vocabulary.merges)),
        ("tokenizer.ggml.bos_token_id", number(1)),
        ("tokenizer.ggml.eos_token_id", number(END_TOKEN)),
        ("tokenizer.ggml.add_bos_token", no()),
        ("tokenizer.chat_template", text(CHAT_TEMPLATE)),
    ]
    .map(|(key, value)| (key.to_string(), value))
    .into()
}

struct Tensor {
    name: String,
    /// Fastest dimension first, as GGUF has it.
    shape: Vec<u64>,
    kind: u32,
    data: Vec<u8>,
}

fn tensors(seed: u64, vocabulary: &Vocabulary) -> Vec<Tensor> {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let rows = u64::from(VOCABULARY_SIZE);
    let mut all = vec![
        matrix(&mut random, "token_embd.weight", WIDTH, rows, OUTPUT_SCALE),
        ones("output_norm.weight"),
    ];
    let mut output = matrix(&mut random, "output.weight", WIDTH, rows, OUTPUT_SCALE);
    // Logit zero for specials and bytes: far below the best of the word pieces.
    let row = (WIDTH / BLOCK * (BLOCK + 2)) as usize;
    output.data[..row * vocabulary.first_piece].fill(0);
    all.push(output);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        all.push(ones(&name("attn_norm")));
        all.push(ones(&name("ffn_norm")));
        for (part, columns, rows) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, KEY_VALUE_WIDTH),
            ("attn_v", WIDTH, KEY_VALUE_WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", WIDTH, FEED_FORWARD),
            ("ffn_up", WIDTH, FEED_FORWARD),
            ("ffn_down", FEED_FORWARD, WIDTH),
        ] {
            all.push(matrix(
                &mut random,
                &name(part),
                columns,
                rows,
                MATRIX_SCALE,
            ));
        }
    }
    all
}

/// A Q8_0 matrix `[rows, columns]` of uniform random weights: blocks of a half-precision scale and
/// 32 signed bytes.
fn matrix(random: &mut ChaCha12Rng, name: &str, columns: u64, rows: u64, scale: u16) -> Tensor {
    let mut data = Vec::new();
    for _ in 0..columns * rows / BLOCK {
        data.extend_from_slice(&scale.to_le_bytes());
        let mut block = [0u8; BLOCK as usize];
        random.fill_bytes(&mut block);
        // A quantiser never writes -128.
        for byte in &mut block {
            *byte = (*byte).max(1).wrapping_add(128);
        }
        data.extend_from_slice(&block);
    }
    Tensor {
        name: name.into(),
        shape: vec![columns, rows],
        kind: TYPE_Q8_0,
        data,
    }
}

/// A norm's weights `[WIDTH]`, all one.
fn ones(name: &str) -> Tensor {
    Tensor {
        name: name.into(),
        shape: vec![WIDTH],
        kind: TYPE_F32,
        data: 1f32.to_le_bytes().repeat(WIDTH as usize),
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, value: &str) {
        self.u64(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
    }
}
