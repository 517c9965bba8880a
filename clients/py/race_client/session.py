"""Sessions: coins are put aside once, then each request is signed by the session's own key, and its
answer streams from the executor that the chain drew.

An acknowledgement pays, so nothing of an executor is believed that can be held against the chain (who
was drawn, with which key it signs, the session's pinned price) or against the request (the fee, the
tokens of the answer, and those of the prompt: at most its bytes and what a chat template adds)."""

import dataclasses
import time
from collections.abc import Generator, Iterator, Sequence

import grpc
from cosmpy.aerial.client import LedgerClient
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.tx import Transaction
from cosmpy.aerial.wallet import Wallet
from cosmpy.protos.cosmos.base.abci.v1beta1.abci_pb2 import TxMsgData
from cosmpy.protos.cosmos.base.v1beta1.coin_pb2 import Coin
from cosmpy.protos.cosmos.tx.v1beta1.service_pb2 import GetTxRequest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from race_client import hashes
from race_client.race.epoch.v1 import query_pb2 as epoch
from race_client.race.epoch.v1.query_pb2_grpc import QueryStub as EpochStub
from race_client.race.inference.v1 import inference_pb2 as inference
from race_client.race.inference.v1.inference_pb2_grpc import InferenceStub
from race_client.race.node.v1 import query_pb2 as node_query
from race_client.race.node.v1.query_pb2_grpc import QueryStub as NodeStub
from race_client.race.session.v1 import query_pb2 as query
from race_client.race.session.v1 import types_pb2 as types
from race_client.race.session.v1.query_pb2_grpc import QueryStub as SessionStub
from race_client.race.session.v1.tx_pb2 import MsgOpenSession, MsgOpenSessionResponse

# Executors of a request: the second and third are asked when those before are not there.
ATTEMPTS = 3
# Blocks for which a request stays valid.
VALID_BLOCKS = 100
# Tokens that a chat template may add to a conversation, and to each message of it.
TEMPLATE_TOKENS = 256
MESSAGE_TOKENS = 16
# Seconds that an executor may take to take an acknowledgement.
ACKNOWLEDGE_LIMIT = 30


class AnswerRefused(Exception):
    """An answer that does not fit its end. It is not acknowledged, and costs nothing."""


@dataclasses.dataclass
class Drawn:
    """What the chain says of a request: who answers it, and at which price."""

    executor: bytes
    grpc: str
    transport: bytes
    """ed25519 public key that the executor signs answers with, 32 bytes."""
    per_token: int
    ceiling: int

    def fee(self, prompt_tokens: int, output_tokens: int) -> int:
        return min((prompt_tokens + output_tokens) * self.per_token, self.ceiling)


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
        self._nodes = NodeStub(self._channel)

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
        return Answer(self, request, body)

    def _sign(self, request: inference.GenerateRequest, attempt: int, max_tokens: int) -> None:
        chain = self.opened.chain_id
        request.attempt = attempt
        request.signature = self._key.sign(
            hashes.request_sign_bytes(
                chain,
                request.session_id,
                request.index,
                attempt,
                hashes.request_hash(chain, request.body),
                max_tokens,
                int(request.max_fee),
                request.expiry_height,
            )
        ).signature

    def _drawn(self, request: inference.GenerateRequest) -> Drawn:
        of = self._sessions.Session(query.QuerySessionRequest(id=request.session_id))
        drawn = self._sessions.Executor(
            query.QueryExecutorRequest(
                session_id=request.session_id, index=request.index, attempt=request.attempt
            )
        )
        node = self._nodes.Node(node_query.QueryNodeRequest(address=drawn.address)).node
        return Drawn(
            executor=drawn.address,
            grpc=drawn.grpc or self._node,
            transport=node.keys.transport,
            per_token=int(of.pin.price_per_unit) * of.pin.units_per_token,
            ceiling=int(of.session.ceiling),
        )

    def _acknowledge(
        self,
        stub: InferenceStub,
        request: inference.GenerateRequest,
        prompt_tokens: int,
        output_tokens: int,
        digest: bytes,
        executor: bytes,
    ) -> None:
        task = (request.session_id, request.index, prompt_tokens, output_tokens)
        message = hashes.acknowledgement(self.opened.chain_id, *task, digest, executor)
        stub.Acknowledge(
            inference.AcknowledgeRequest(
                session_id=request.session_id,
                index=request.index,
                attempt=request.attempt,
                acknowledgement=self._key.sign(message).signature,
                prompt_tokens=prompt_tokens,
                output_tokens=output_tokens,
                digest=digest,
            ),
            timeout=ACKNOWLEDGE_LIMIT,
        )


class Answer:
    """An answer while it comes: iterate it once."""

    def __init__(
        self,
        session: Session,
        request: inference.GenerateRequest,
        body: inference.RequestBody,
    ):
        self._session = session
        self._request = request
        self._max_tokens = body.max_tokens
        # More tokens than any tokenizer makes of the prompt.
        self._prompt_limit = (
            len(request.body) + TEMPLATE_TOKENS + MESSAGE_TOKENS * len(body.messages)
        )
        self._text: list[str] = []
        self.tokens: list[int] = []
        self.executor: bytes | None = None
        """The executor's consensus address, once it has accepted."""
        self.finished: inference.Finished | None = None
        """How it ended and what it cost, once it has ended and was found to fit."""
        self.unacknowledged: str | None = None
        """Why the acknowledgement did not arrive, if it did not: ask for the same index again."""

    def __iter__(self) -> Iterator[str]:
        for attempt in range(ATTEMPTS):
            self._session._sign(self._request, attempt, self._max_tokens)
            try:
                yield from self._stream()
                return
            except grpc.RpcError as error:
                absent = error.code() == grpc.StatusCode.UNAVAILABLE and self.executor is None
                if not absent or attempt + 1 == ATTEMPTS:
                    raise

    def _stream(self) -> Iterator[str]:
        drawn = self._session._drawn(self._request)
        with grpc.insecure_channel(drawn.grpc) as channel:
            stub = InferenceStub(channel)
            events = stub.Generate(self._request)
            try:
                finished = yield from self._read(events, drawn)
            finally:
                events.cancel()
            task = self._check(finished, drawn)
            self.finished = finished
            try:
                self._session._acknowledge(stub, self._request, *task, drawn.executor)
            except grpc.RpcError as error:
                self.unacknowledged = error.details()

    def _read(
        self, events: Iterator[inference.GenerateEvent], drawn: Drawn
    ) -> Generator[str, None, inference.Finished]:
        """Hands out text up to the answer's end; reads nothing beyond what was asked for."""
        for event in events:
            kind = event.WhichOneof("event")
            if kind == "accepted":
                if event.accepted.executor != drawn.executor:
                    raise AnswerRefused(
                        f"node {event.accepted.executor.hex()} answers, "
                        f"and the chain drew {drawn.executor.hex()}"
                    )
                self.executor = event.accepted.executor
                self._check_prompt(event.accepted.prompt_tokens)
            elif self.executor is None:
                raise AnswerRefused("the executor did not say who it is")
            elif kind == "token":
                if len(self.tokens) >= self._max_tokens:
                    raise AnswerRefused(
                        f"the executor sends more than the {self._max_tokens} tokens asked for"
                    )
                self.tokens.append(event.token.id)
                self._text.append(event.token.text)
                yield event.token.text
            elif kind == "finished":
                return event.finished
        raise AnswerRefused("the stream ended before the answer did")

    def _check_prompt(self, tokens: int) -> None:
        if tokens > self._prompt_limit:
            raise AnswerRefused(
                f"the executor counts {tokens} prompt tokens, "
                f"and no tokenizer makes more than {self._prompt_limit} of this prompt"
            )

    def _check(self, end: inference.Finished, drawn: Drawn) -> tuple[int, int, bytes]:
        """Prompt tokens, output tokens and digest of what was received, if its end says the same."""
        chain, request = self._session.opened.chain_id, self._request
        self._check_prompt(end.prompt_tokens)
        fee = drawn.fee(end.prompt_tokens, len(self.tokens))
        if int(end.fee) != fee:
            raise AnswerRefused(
                f"the executor asks {end.fee} nicoin; {end.prompt_tokens} prompt and "
                f"{len(self.tokens)} answer tokens cost {fee} at the session's price"
            )
        if fee > int(request.max_fee):
            raise AnswerRefused(
                f"the answer costs {fee} nicoin, more than the {request.max_fee} that were offered"
            )
        # What is acknowledged is what was received: the digest is made again from it.
        output = hashes.output_hash(chain, self.tokens, "".join(self._text))
        digest = hashes.record_digest(
            chain,
            request.session_id,
            request.index,
            end.prompt_tokens,
            len(self.tokens),
            hashes.request_hash(chain, request.body),
            output,
            end.artifact_root,
        )
        if digest != end.digest:
            raise AnswerRefused("the executor committed to another answer than it sent")
        signed = hashes.output_sign_bytes(
            chain, request.session_id, request.index, output, end.artifact_root
        )
        try:
            VerifyKey(drawn.transport).verify(signed, end.signature)
        except (BadSignatureError, ValueError) as error:
            raise AnswerRefused(
                "the answer is not signed by the key that the executor registered"
            ) from error
        return end.prompt_tokens, len(self.tokens), digest
