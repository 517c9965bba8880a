//! Settlement records, and the bytes that are signed around a request.
//!
//! Only digests go on chain: a record is 116 bytes, and a batch is records one after the other, in
//! strictly rising order of (session, index).
//!
//! | bytes | what |
//! |---|---|
//! | 8 | session |
//! | 4 | index i of the request in the session |
//! | 4 | prompt tokens |
//! | 4 | output tokens |
//! | 32 | [`record_digest`] over request, output and artifact root |
//! | 64 | the client's acknowledgement: the session key's signature of [`acknowledgement`] |

use race_randomness::hash::{be, h, Address, Hash};

/// Length of one encoded record.
pub const RECORD_BYTES: usize = 116;

/// Most records of one batch: 116 KiB.
pub const MAX_BATCH_RECORDS: usize = 1024;

/// One settled request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The session.
    pub session: u64,
    /// The index of the request in its session.
    pub index: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// What was computed: [`record_digest`].
    pub digest: Hash,
    /// The client's last acknowledgement: a 64-byte signature by the session's key.
    pub acknowledgement: [u8; 64],
}

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not a whole number of records.
    #[error("expected a multiple of 116 bytes, one record each, got {0}")]
    Length(usize),
    /// Empty or too long.
    #[error("expected 1 to 1024 records in a batch, got {0}")]
    Count(usize),
    /// A record out of order, or the same request twice.
    #[error("record {0} does not follow its predecessor in (session, index); sort the batch and settle each request once")]
    Order(usize),
}

/// Encodes a batch.
///
/// # Errors
///
/// When it is empty, too long, or not in strictly rising order of (session, index).
pub fn encode_batch(records: &[Record]) -> Result<Vec<u8>, BatchError> {
    check(records)?;
    let mut bytes = Vec::with_capacity(records.len().saturating_mul(RECORD_BYTES));
    for record in records {
        bytes.extend(record.session.to_be_bytes());
        bytes.extend(record.index.to_be_bytes());
        bytes.extend(record.prompt_tokens.to_be_bytes());
        bytes.extend(record.output_tokens.to_be_bytes());
        bytes.extend(record.digest);
        bytes.extend(record.acknowledgement);
    }
    Ok(bytes)
}

/// Reads a batch.
///
/// # Errors
///
/// When the bytes are not what [`encode_batch`] writes.
pub fn decode_batch(bytes: &[u8]) -> Result<Vec<Record>, BatchError> {
    let (chunks, rest) = bytes.as_chunks::<RECORD_BYTES>();
    if !rest.is_empty() {
        return Err(BatchError::Length(bytes.len()));
    }
    if chunks.len() > MAX_BATCH_RECORDS {
        return Err(BatchError::Count(chunks.len()));
    }
    let records: Vec<Record> = chunks.iter().map(decode).collect();
    check(&records)?;
    Ok(records)
}

fn decode(bytes: &[u8; RECORD_BYTES]) -> Record {
    Record {
        session: u64::from_be_bytes(field(bytes, 0)),
        index: u32::from_be_bytes(field(bytes, 8)),
        prompt_tokens: u32::from_be_bytes(field(bytes, 12)),
        output_tokens: u32::from_be_bytes(field(bytes, 16)),
        digest: field(bytes, 20),
        acknowledgement: field(bytes, 52),
    }
}

/// `N` bytes from `at`, which lie within the record.
fn field<const N: usize>(bytes: &[u8; RECORD_BYTES], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|tail| tail.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

fn check(records: &[Record]) -> Result<(), BatchError> {
    if records.is_empty() || records.len() > MAX_BATCH_RECORDS {
        return Err(BatchError::Count(records.len()));
    }
    let key = |record: &Record| (record.session, record.index);
    match records
        .windows(2)
        .position(|pair| key(&pair[0]) >= key(&pair[1]))
    {
        Some(at) => Err(BatchError::Order(at.saturating_add(1))),
        None => Ok(()),
    }
}

/// What a record commits to: `H(dst, chain, session, index, prompt tokens, output tokens, request hash,
/// output hash, artifact root)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The session.
    pub session: u64,
    /// The index of the request in its session.
    pub index: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// [`crate::artifact::request_hash`].
    pub request_hash: Hash,
    /// [`crate::artifact::output_hash`].
    pub output_hash: Hash,
    /// [`crate::artifact::Artifact::root`].
    pub artifact_root: Hash,
}

/// The digest of a record; a checker recomputes it from what the executor serves.
#[must_use]
pub fn record_digest(chain_id: &str, work: &Work) -> Hash {
    h(
        "race/verification/record/v1",
        &[
            chain_id.as_bytes(),
            &be(work.session),
            &be(work.index.into()),
            &be(work.prompt_tokens.into()),
            &be(work.output_tokens.into()),
            &work.request_hash,
            &work.output_hash,
            &work.artifact_root,
        ],
    )
}

/// A request as its session's key signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTerms {
    /// The session.
    pub session: u64,
    /// The index of the request in its session.
    pub index: u32,
    /// Whose turn it is: 0 is the executor drawn first. An executor drawn later cannot answer what was
    /// sent to one before it.
    pub attempt: u32,
    /// [`crate::artifact::request_hash`].
    pub request_hash: Hash,
    /// The most tokens that may be generated.
    pub max_tokens: u32,
    /// The most that may be charged, in nicoin.
    pub max_fee: u128,
    /// The last height at which it may be settled.
    pub expiry_height: u64,
}

/// The digest that a session's key signs for a request: `H(dst, chain, session, index, attempt, request
/// hash, max tokens, max fee (16 bytes), expiry height)`. It stays off chain, so the attempt in it
/// makes no record longer.
#[must_use]
pub fn request_sign_bytes(chain_id: &str, terms: &RequestTerms) -> Hash {
    h(
        "race/verification/request-terms/v2",
        &[
            chain_id.as_bytes(),
            &be(terms.session),
            &be(terms.index.into()),
            &be(terms.attempt.into()),
            &terms.request_hash,
            &be(terms.max_tokens.into()),
            &terms.max_fee.to_be_bytes(),
            &be(terms.expiry_height),
        ],
    )
}

/// What the session's key signs when it has received an answer: `H(dst, chain, session, index, prompt
/// tokens, output tokens, digest, executor)`. The executor is in it so that a record copied from
/// the mempool pays nobody else. Both lengths are in it, so that the chain verifies what is charged
/// from the record alone; the digest is the settled record's ([`record_digest`]) and binds
/// request, output and artifact root.
#[must_use]
pub fn acknowledgement(
    chain_id: &str,
    session: u64,
    index: u32,
    prompt_tokens: u32,
    output_tokens: u32,
    digest: &Hash,
    executor: &Address,
) -> Hash {
    h(
        "race/verification/acknowledgement/v1",
        &[
            chain_id.as_bytes(),
            &be(session),
            &be(index.into()),
            &be(prompt_tokens.into()),
            &be(output_tokens.into()),
            digest,
            executor,
        ],
    )
}

/// The digest that the executor signs at the end of an answer: `H(dst, chain, session, index, output
/// hash, artifact root)`.
#[must_use]
pub fn output_sign_bytes(
    chain_id: &str,
    session: u64,
    index: u32,
    output_hash: &Hash,
    artifact_root: &Hash,
) -> Hash {
    h(
        "race/verification/signed-output/v1",
        &[
            chain_id.as_bytes(),
            &be(session),
            &be(index.into()),
            output_hash,
            artifact_root,
        ],
    )
}

/// What a host signs to be served the artifacts of a task: `H(dst, chain, session, index, height,
/// asker)`. Whoever hears it can use it only in the asker's name, and only for some blocks.
#[must_use]
pub fn artifacts_sign_bytes(
    chain_id: &str,
    session: u64,
    index: u64,
    height: u64,
    asker: &Address,
) -> Hash {
    h(
        "race/verification/artifacts-request/v1",
        &[
            chain_id.as_bytes(),
            &be(session),
            &be(index),
            &be(height),
            asker,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn record(session: u64, index: u32) -> Record {
        Record {
            session,
            index,
            prompt_tokens: 3,
            output_tokens: 4,
            digest: [5; 32],
            acknowledgement: [6; 64],
        }
    }

    #[test]
    fn a_record_is_116_bytes_in_the_documented_order() {
        let bytes = encode_batch(&[record(1, 2)]).unwrap();
        let mut expected = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];
        expected.extend([5; 32]);
        expected.extend([6; 64]);
        assert_eq!(bytes, expected);
        assert_eq!(bytes.len(), RECORD_BYTES);
    }

    #[test]
    fn a_request_is_settled_once_and_in_order() {
        assert_eq!(
            encode_batch(&[record(1, 2), record(1, 2)]),
            Err(BatchError::Order(1))
        );
        assert_eq!(
            encode_batch(&[record(1, 2), record(2, 0), record(1, 3)]),
            Err(BatchError::Order(2))
        );
        assert!(encode_batch(&[record(1, 2), record(1, 3), record(2, 0)]).is_ok());
        let mut bytes = encode_batch(&[record(1, 2)]).unwrap();
        bytes.extend(bytes.clone());
        assert_eq!(decode_batch(&bytes), Err(BatchError::Order(1)));
    }

    #[test]
    fn batches_of_a_wrong_size_are_refused() {
        assert_eq!(decode_batch(&[]), Err(BatchError::Count(0)));
        assert_eq!(decode_batch(&[0; 117]), Err(BatchError::Length(117)));
        assert_eq!(decode_batch(&[0; 1025 * 116]), Err(BatchError::Count(1025)));
        assert_eq!(encode_batch(&[]), Err(BatchError::Count(0)));
    }

    #[test]
    fn a_digest_binds_every_field() {
        let work = Work {
            session: 1,
            index: 2,
            prompt_tokens: 3,
            output_tokens: 4,
            request_hash: [5; 32],
            output_hash: [6; 32],
            artifact_root: [7; 32],
        };
        let other = [0; 32];
        let all: BTreeSet<Hash> = [
            work,
            Work { session: 0, ..work },
            Work { index: 0, ..work },
            Work {
                prompt_tokens: 0,
                ..work
            },
            Work {
                output_tokens: 0,
                ..work
            },
            Work {
                request_hash: other,
                ..work
            },
            Work {
                output_hash: other,
                ..work
            },
            Work {
                artifact_root: other,
                ..work
            },
        ]
        .iter()
        .map(|work| record_digest("c", work))
        .chain([record_digest("d", &work)])
        .collect();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn signed_bytes_bind_every_field() {
        let terms = RequestTerms {
            session: 1,
            index: 2,
            attempt: 1,
            request_hash: [3; 32],
            max_tokens: 4,
            max_fee: 5,
            expiry_height: 6,
        };
        let all: BTreeSet<Hash> = [
            terms,
            RequestTerms {
                session: 0,
                ..terms
            },
            RequestTerms { index: 0, ..terms },
            RequestTerms {
                attempt: 0,
                ..terms
            },
            RequestTerms {
                request_hash: [0; 32],
                ..terms
            },
            RequestTerms {
                max_tokens: 0,
                ..terms
            },
            RequestTerms {
                max_fee: 5 + (1 << 64),
                ..terms
            },
            RequestTerms {
                expiry_height: 0,
                ..terms
            },
        ]
        .iter()
        .map(|terms| request_sign_bytes("c", terms))
        .chain([
            request_sign_bytes("d", &terms),
            acknowledgement("c", 1, 2, 7, 3, &[4; 32], &[5; 20]),
            acknowledgement("c", 1, 2, 0, 3, &[4; 32], &[5; 20]),
            acknowledgement("d", 1, 2, 7, 3, &[4; 32], &[5; 20]),
            acknowledgement("c", 0, 2, 7, 3, &[4; 32], &[5; 20]),
            acknowledgement("c", 1, 0, 7, 3, &[4; 32], &[5; 20]),
            acknowledgement("c", 1, 2, 7, 0, &[4; 32], &[5; 20]),
            acknowledgement("c", 1, 2, 7, 3, &[0; 32], &[5; 20]),
            acknowledgement("c", 1, 2, 7, 3, &[4; 32], &[6; 20]),
            output_sign_bytes("c", 1, 2, &[3; 32], &[4; 32]),
            output_sign_bytes("d", 1, 2, &[3; 32], &[4; 32]),
            output_sign_bytes("c", 0, 2, &[3; 32], &[4; 32]),
            output_sign_bytes("c", 1, 0, &[3; 32], &[4; 32]),
            output_sign_bytes("c", 1, 2, &[0; 32], &[4; 32]),
            output_sign_bytes("c", 1, 2, &[3; 32], &[0; 32]),
            artifacts_sign_bytes("c", 1, 2, 3, &[4; 20]),
            artifacts_sign_bytes("d", 1, 2, 3, &[4; 20]),
            artifacts_sign_bytes("c", 0, 2, 3, &[4; 20]),
            artifacts_sign_bytes("c", 1, 0, 3, &[4; 20]),
            artifacts_sign_bytes("c", 1, 2, 0, &[4; 20]),
            artifacts_sign_bytes("c", 1, 2, 3, &[0; 20]),
        ])
        .collect();
        assert_eq!(all.len(), 29);
    }

    proptest! {
        #[test]
        fn batches_survive_their_encoding(keys in proptest::collection::btree_set((any::<u64>(), any::<u32>()), 1..50), tokens in any::<u32>()) {
            let records: Vec<Record> = keys.into_iter()
                .map(|(session, index)| Record { output_tokens: tokens, ..record(session, index) }).collect();
            prop_assert_eq!(decode_batch(&encode_batch(&records).unwrap()), Ok(records));
        }
    }
}
