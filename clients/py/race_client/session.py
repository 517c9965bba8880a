"""Sessions: coins are put aside once, then each request is signed by the session's own key, and its
answer streams from the executor that the chain drew."""

import dataclasses
import time
from collections.abc import Iterator, Sequence

import grpc
from cosmpy.aerial.client import LedgerClient
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.tx import Transaction
from cosmpy.aerial.wallet import Wallet
from cosmpy.protos.cosmos.base.abci.v1beta1.abci_pb2 import TxMsgData
from cosmpy.protos.cosmos.base.v1beta1.coin_pb2 import Coin
from cosmpy.protos.cosmos.tx.v1beta1.service_pb2 import GetTxRequest
from nacl.signing import SigningKey

from race_client import hashes
from race_client.race.epoch.v1 import query_pb2 as epoch
from race_client.race.epoch.v1.query_pb2_grpc import QueryStub as EpochStub
from race_client.race.inference.v1 import inference_pb2 as inference
from race_client.race.inference.v1.inference_pb2_grpc import InferenceStub
from race_client.race.session.v1 import query_pb2 as query
from race_client.race.session.v1 import types_pb2 as types
from race_client.race.session.v1.query_pb2_grpc import QueryStub as SessionStub
from race_client.race.session.v1.tx_pb2 import MsgOpenSession, MsgOpenSessionResponse

# Executors of a request: the second and third are asked when those before are not there.
ATTEMPTS = 3
# Blocks for which a request stays valid.
VALID_BLOCKS = 100


class AnswerRefused(Exception):
    """An answer that does not fit its end. It is not acknowledged, and costs nothing."""


@dataclasses.dataclass
class Opened:
    """What a session needs: keep it as long as the session lives."""

    chain_id: str
    id: int
    private_key: bytes
    """ed25519, 32 bytes."""
    next_index: int = 0


def open_session(
    ledger: LedgerClient,
    wallet: Wallet,
    model: str,
    escrow: int,
    ceiling: int,
    expiry_blocks: int = 500,
) -> Opened:
    """Puts coins aside for answers of a model; amounts are in the network's fee denomination.

    The key is made here and is nowhere else.
    """
    denom = ledger.network_config.fee_denomination
    key = SigningKey.generate()
    message = MsgOpenSession(
        creator=str(wallet.address()),
        model_id=model,
        escrow=Coin(denom=denom, amount=str(escrow)),
        ceiling=Coin(denom=denom, amount=str(ceiling)),
        session_key=bytes(key.verify_key),
        expiry_height=ledger.query_latest_block().height + expiry_blocks,
    )
    transaction = Transaction().add_message(message)
    sent = prepare_and_broadcast_basic_transaction(ledger, transaction, wallet)
    sent.wait_to_complete()
    included = ledger.txs.GetTx(GetTxRequest(hash=sent.tx_hash)).tx_response
    data = TxMsgData.FromString(bytes.fromhex(included.data))
    response = MsgOpenSessionResponse.FromString(data.msg_responses[0].value)
    return Opened(ledger.network_config.chain_id, response.id, bytes(key))


class Session:
    """A session that is open; `node` is any node's gRPC address, host:port."""

    def __init__(self, node: str, opened: Opened):
        self.opened = opened
        self._node = node
        self._key = SigningKey(opened.private_key)
        self._channel = grpc.insecure_channel(node)
        self._sessions = SessionStub(self._channel)
        self._epochs = EpochStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self, seconds: float = 60) -> tuple[types.Session, int]:
        """Waits until hosts are drawn for it in this epoch: the session on chain, and the height."""
        end = time.monotonic() + seconds
        while True:
            answer = self._sessions.Session(query.QuerySessionRequest(id=self.opened.id))
            session, now = answer.session, self._epochs.Current(epoch.QueryCurrentRequest())
            closed = session.status == types.SESSION_STATUS_CLOSED
            if closed or now.height > session.expiry_height:
                raise TimeoutError(
                    f"session {session.id} expired at height {session.expiry_height}; open another"
                )
            if answer.HasField("pin") and answer.pin.epoch == now.epoch.number:
                return session, now.height
            if time.monotonic() >= end:
                raise TimeoutError(
                    f"no hosts are drawn for session {session.id}: it waits for a beacon round, "
                    f"or no node hosts {session.model_id}"
                )
            time.sleep(0.5)

    def ask(
        self,
        messages: Sequence[tuple[str, str]] = (),
        *,
        prompt: str = "",
        max_tokens: int = 128,
        temperature_millis: int = 0,
        max_fee: int | None = None,
        index: int | None = None,
    ) -> "Answer":
        """Asks; iterate the answer for its text, then read `finished`.

        `messages` are (role, content); temperature 0 takes the likeliest token; `max_fee` is by
        default the session's ceiling; `index` the next one: each is used once.
        """
        index = self.opened.next_index if index is None else index
        self.opened.next_index = max(self.opened.next_index, index + 1)
        session, height = self.ready()
        if index >= session.max_index:
            raise IndexError(
                f"session {session.id} pays for {session.max_index} requests; open another"
            )
        ceiling = int(session.ceiling)
        body = inference.RequestBody(
            model_id=session.model_id,
            messages=[inference.ChatMessage(role=r, content=c) for r, c in messages],
            prompt=prompt,
            max_tokens=max_tokens,
            temperature_millis=temperature_millis,
        )
        request = inference.GenerateRequest(
            session_id=session.id,
            index=index,
            max_fee=str(ceiling if max_fee is None else min(max_fee, ceiling)),
            expiry_height=height + VALID_BLOCKS,
            body=body.SerializeToString(deterministic=True),
        )
        chain = self.opened.chain_id
        request.signature = self._key.sign(
            hashes.request_sign_bytes(
                chain,
                session.id,
                index,
                hashes.request_hash(chain, request.body),
                max_tokens,
                int(request.max_fee),
                request.expiry_height,
            )
        ).signature
        return Answer(self, request)

    def _executor(self, request: inference.GenerateRequest) -> str:
        drawn = self._sessions.Executor(
            query.QueryExecutorRequest(
                session_id=request.session_id, index=request.index, attempt=request.attempt
            )
        )
        return drawn.grpc or self._node

    def _acknowledge(
        self, stub: InferenceStub, request: inference.GenerateRequest, answer: "Answer"
    ) -> None:
        # What is acknowledged is what was received: the digest is made again from it.
        chain, end, tokens = self.opened.chain_id, answer.finished, answer.tokens
        task = (request.session_id, request.index, end.prompt_tokens, len(tokens))
        digest = hashes.record_digest(
            chain,
            *task,
            hashes.request_hash(chain, request.body),
            hashes.output_hash(chain, tokens),
            end.artifact_root,
        )
        if digest != end.digest:
            raise AnswerRefused("the executor signed another answer than it sent")
        signed = self._key.sign(hashes.acknowledgement(chain, *task, digest, answer.executor))
        stub.Acknowledge(
            inference.AcknowledgeRequest(
                session_id=request.session_id,
                index=request.index,
                attempt=request.attempt,
                acknowledgement=signed.signature,
            )
        )


class Answer:
    """An answer while it comes: iterate it once."""

    def __init__(self, session: Session, request: inference.GenerateRequest):
        self._session = session
        self._request = request
        self.tokens: list[int] = []
        self.executor: bytes | None = None
        """The executor's consensus address, once it has accepted."""
        self.finished: inference.Finished | None = None
        """How it ended and what it cost, once it has ended."""

    def __iter__(self) -> Iterator[str]:
        for attempt in range(ATTEMPTS):
            self._request.attempt = attempt
            try:
                yield from self._stream()
                return
            except grpc.RpcError as error:
                absent = error.code() == grpc.StatusCode.UNAVAILABLE and self.executor is None
                if not absent or attempt + 1 == ATTEMPTS:
                    raise

    def _stream(self) -> Iterator[str]:
        with grpc.insecure_channel(self._session._executor(self._request)) as channel:
            stub = InferenceStub(channel)
            for event in stub.Generate(self._request):
                kind = event.WhichOneof("event")
                if kind == "accepted":
                    self.executor = event.accepted.executor
                elif kind == "token":
                    self.tokens.append(event.token.id)
                    yield event.token.text
                elif kind == "finished":
                    self.finished = event.finished
            if self.finished is None or self.executor is None:
                raise AnswerRefused("the stream ended before the answer did")
            if int(self.finished.fee) > int(self._request.max_fee):
                raise AnswerRefused(
                    f"the executor asks {self.finished.fee} nicoin, "
                    f"more than the {self._request.max_fee} that were offered"
                )
            self._session._acknowledge(stub, self._request, self)
