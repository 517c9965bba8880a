//! Settlement records, and the bytes that are signed around a request.
//!
//! Only digests go on chain: what is settled of a request is its session and index, the attempt, the lengths of
//! prompt and answer, [`record_digest`] over request, output and artifact root, and the session key's signature
//! of [`acknowledgement`].

use race_randomness::hash::{be, h, Address, Hash};

/// Most records of one settlement.
pub const MAX_BATCH_RECORDS: usize = 1024;

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
    use std::collections::BTreeSet;

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
}
