//! Who is served the artifacts of a task, prompt and answer with them: the hosts of the pin that it was
//! served under. Its checkers, accusers and voters are all among them, and nobody else needs it.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use race_app::address::ConsensusAddress;
use race_app::session;
use race_proto::race::inference::v1::ArtifactsRequest;
use race_proto::race::session::v1::Pin;
use race_verification::record::artifacts_sign_bytes;
use tonic::Status;

/// How far the height of a request may be from the chain's, in blocks: checks wait for their turn.
const BLOCKS: u64 = 100;

/// The signed request of host `asker` for the artifacts of a task.
pub fn request(
    chain_id: &str,
    (session_id, index): (u64, u64),
    height: u64,
    asker: &ConsensusAddress,
    transport: &SigningKey,
) -> ArtifactsRequest {
    let message = artifacts_sign_bytes(chain_id, session_id, index, height, asker);
    ArtifactsRequest {
        session_id,
        index,
        asker: asker.to_vec(),
        height,
        signature: transport.sign(&message).to_bytes().to_vec(),
    }
}

/// Checks that a request was made by a host of `pin` not long before `now`; `transport` is the key
/// that the asker registered, if it did.
///
/// # Errors
/// It was not, and why.
pub fn check(
    chain_id: &str,
    request: &ArtifactsRequest,
    pin: Option<&Pin>,
    now: u64,
    transport: impl FnOnce(&ConsensusAddress) -> Option<Vec<u8>>,
) -> Result<(), Status> {
    let asker = ConsensusAddress::try_from(request.asker.as_slice())
        .ok()
        .filter(|asker| pin.is_some_and(|pin| session::hosts(pin).contains_key(asker)))
        .ok_or_else(|| {
            Status::permission_denied(
                "artifacts are served to the hosts of the task's pin; ask as one of them",
            )
        })?;
    if request.height.abs_diff(now) > BLOCKS {
        return Err(Status::failed_precondition(format!(
            "the request was signed at height {}, the chain is at {now}; sign it again",
            request.height
        )));
    }
    let message = artifacts_sign_bytes(
        chain_id,
        request.session_id,
        request.index,
        request.height,
        &asker,
    );
    let signed = transport(&asker)
        .and_then(|key| <[u8; 32]>::try_from(key).ok())
        .and_then(|key| VerifyingKey::from_bytes(&key).ok())
        .zip(Signature::from_slice(&request.signature).ok())
        .is_some_and(|(key, signature)| key.verify_strict(&message, &signature).is_ok());
    if signed {
        Ok(())
    } else {
        Err(Status::unauthenticated(
            "the request is not signed by the asker's registered transport key",
        ))
    }
}

#[cfg(test)]
mod tests {
    use race_proto::race::session::v1::PinnedHost;
    use tonic::Code;

    use super::*;

    const HOST: ConsensusAddress = [1; 20];
    const STRANGER: ConsensusAddress = [2; 20];

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    /// How the request ends at a node of chain `c` at height 500, for a task whose pin has one host.
    fn asked(request: &ArtifactsRequest) -> Result<(), Code> {
        let pin = Pin {
            hosts: vec![PinnedHost {
                address: HOST.to_vec(),
                weight: 1,
            }],
            ..Pin::default()
        };
        // Everyone is registered, strangers too.
        let registered = |asker: &ConsensusAddress| {
            let key = key(asker[0]).verifying_key();
            Some(key.to_bytes().to_vec())
        };
        check("c", request, Some(&pin), 500, registered).map_err(|status| status.code())
    }

    #[test]
    fn a_host_of_the_pin_is_served_and_a_stranger_is_not() {
        assert_eq!(
            asked(&request("c", (3, 4), 480, &HOST, &key(HOST[0]))),
            Ok(())
        );
        assert_eq!(
            asked(&request("c", (3, 4), 480, &STRANGER, &key(STRANGER[0]))),
            Err(Code::PermissionDenied)
        );
        assert_eq!(
            asked(&ArtifactsRequest {
                session_id: 3,
                index: 4,
                ..ArtifactsRequest::default()
            }),
            Err(Code::PermissionDenied)
        );
    }

    #[test]
    fn a_stranger_cannot_speak_for_a_host() {
        let forged = request("c", (3, 4), 480, &HOST, &key(STRANGER[0]));
        assert_eq!(asked(&forged), Err(Code::Unauthenticated));
        let mut of_another_task = request("c", (3, 4), 480, &HOST, &key(HOST[0]));
        of_another_task.index = 5;
        assert_eq!(asked(&of_another_task), Err(Code::Unauthenticated));
        let of_another_chain = request("d", (3, 4), 480, &HOST, &key(HOST[0]));
        assert_eq!(asked(&of_another_chain), Err(Code::Unauthenticated));
    }

    #[test]
    fn a_request_that_was_overheard_long_ago_is_of_no_use() {
        for height in [399, 601, u64::MAX] {
            let old = request("c", (3, 4), height, &HOST, &key(HOST[0]));
            assert_eq!(asked(&old), Err(Code::FailedPrecondition), "{height}");
        }
    }

    #[test]
    fn nobody_is_served_of_a_pin_that_is_forgotten() {
        let request = request("c", (3, 4), 480, &HOST, &key(HOST[0]));
        let refused = check("c", &request, None, 500, |_| None).unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}
