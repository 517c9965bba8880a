#!/usr/bin/env python3
"""What the sessions of both packages acknowledge, at a node that lies in one way after another.

    python3 clients/sessions.py         after clients/setup.sh, with both Python paths as in check.sh
"""

import concurrent.futures
import json
import pathlib
import subprocess
import time

import grpc
from nacl.signing import SigningKey

from race_client import hashes
from race_client.race.epoch.v1 import query_pb2 as epoch_query
from race_client.race.epoch.v1 import query_pb2_grpc as epoch_grpc
from race_client.race.epoch.v1 import types_pb2 as epoch
from race_client.race.inference.v1 import inference_pb2 as inference
from race_client.race.inference.v1 import inference_pb2_grpc as inference_grpc
from race_client.race.node.v1 import query_pb2 as node_query
from race_client.race.node.v1 import query_pb2_grpc as node_grpc
from race_client.race.node.v1 import types_pb2 as node
from race_client.race.session.v1 import query_pb2 as session_query
from race_client.race.session.v1 import query_pb2_grpc as session_grpc
from race_client.race.session.v1 import types_pb2 as session
from race_client.session import AnswerRefused, Opened, Session

JS = pathlib.Path(__file__).resolve().parent / "js"
CHAIN, SESSION, EXECUTOR = "c", 1, bytes([7] * 20)
PRICE, CEILING, MAX_TOKENS = 3, 500, 4
PROMPT_TOKENS, TOKENS = 6, [(11, "It \N{CRAB}"), (12, " is.")]
TRANSPORT, SESSION_KEY = SigningKey(bytes([1] * 32)), SigningKey(bytes([2] * 32))

# What the node does, and a part of what the user is told; nothing where the answer is acknowledged.
CASES = [
    ("honest", ""),
    ("not there at first", ""),
    ("goes on after the end", ""),
    ("takes no acknowledgement", ""),
    ("counts a prompt longer than its bytes", "no tokenizer makes more"),
    ("answers for another executor", "the chain drew"),
    ("sends more than was asked for", f"more than the {MAX_TOKENS} tokens"),
    ("commits to another text", "another answer than it sent"),
    ("signs with another key", "not signed by the key"),
    ("asks another fee", "cost 24 at the session's price"),
]


class Node:
    """Answers all services; `case` is what it does with a request."""

    def __init__(self):
        self.case = "honest"
        self.acknowledged = []
        self._said = {}
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        session_grpc.add_QueryServicer_to_server(self, self._server)
        node_grpc.add_QueryServicer_to_server(self, self._server)
        epoch_grpc.add_QueryServicer_to_server(self, self._server)
        inference_grpc.add_InferenceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self):
        self._server.stop(0)

    def Session(self, request, context):
        return session_query.QuerySessionResponse(
            session=session.Session(
                id=SESSION,
                model_id="m",
                ceiling=str(CEILING),
                expiry_height=100,
                status=session.SESSION_STATUS_ACTIVE,
                max_index=100,
            ),
            pin=session.Pin(epoch=1, price_per_unit=str(PRICE), units_per_token=1),
        )

    def Executor(self, request, context):
        return session_query.QueryExecutorResponse(address=EXECUTOR, grpc=self.address, epoch=1)

    def Node(self, request, context):
        keys = node.NodeKeys(transport=bytes(TRANSPORT.verify_key))
        return node_query.QueryNodeResponse(node=node.Node(address=EXECUTOR, keys=keys))

    def Current(self, request, context):
        return epoch_query.QueryCurrentResponse(epoch=epoch.Epoch(number=1), height=10)

    # What these services have and no session asks.
    Sessions = Nodes = Committee = Epoch = Artifacts = None

    def Generate(self, request, context):
        body = inference.RequestBody.FromString(request.body)
        assert body.SerializeToString(deterministic=True) == request.body, "not canonical"
        request_hash = hashes.request_hash(CHAIN, request.body)
        terms = hashes.request_sign_bytes(
            CHAIN,
            SESSION,
            request.index,
            request.attempt,
            request_hash,
            body.max_tokens,
            int(request.max_fee),
            request.expiry_height,
        )
        SESSION_KEY.verify_key.verify(terms, request.signature)
        if self.case == "not there at first" and request.attempt == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not here")
        lies = self.case.startswith
        prompt_tokens = 5000 if lies("counts a prompt") else PROMPT_TOKENS
        tokens = TOKENS * 3 if lies("sends more") else TOKENS
        executor = bytes(20) if lies("answers for") else EXECUTOR
        accepted = inference.Accepted(executor=executor, prompt_tokens=prompt_tokens)
        yield inference.GenerateEvent(accepted=accepted)
        for token, text in tokens:
            yield inference.GenerateEvent(token=inference.Token(id=token, text=text))
        text = "".join(text for _, text in tokens) + ("!" if lies("commits") else "")
        output = hashes.output_hash(CHAIN, [token for token, _ in tokens], text)
        root = bytes([8] * 32)
        task = (request.index, prompt_tokens, len(tokens))
        digest = hashes.record_digest(CHAIN, SESSION, *task, request_hash, output, root)
        self._said[request.index] = (*task, digest)
        key = SESSION_KEY if lies("signs with") else TRANSPORT
        signed = hashes.output_sign_bytes(CHAIN, SESSION, request.index, output, root)
        fee = min((prompt_tokens + len(tokens)) * PRICE, CEILING) + lies("asks another fee")
        finished = inference.Finished(
            stop_reason="stop",
            prompt_tokens=prompt_tokens,
            output_tokens=len(tokens),
            request_hash=request_hash,
            output_hash=output,
            artifact_root=root,
            digest=digest,
            signature=key.sign(signed).signature,
            fee=str(fee),
        )
        yield inference.GenerateEvent(finished=finished)
        while lies("goes on") and context.is_active():
            time.sleep(0.01)

    def Acknowledge(self, request, context):
        if self.case == "takes no acknowledgement":
            context.abort(grpc.StatusCode.INTERNAL, "the disk is full")
        said = self._said[request.index]
        task = (request.index, request.prompt_tokens, request.output_tokens)
        assert (*task, request.digest) == said
        message = hashes.acknowledgement(CHAIN, SESSION, *said, EXECUTOR)
        SESSION_KEY.verify_key.verify(message, request.acknowledgement)
        self.acknowledged.append(request.index)
        return inference.AcknowledgeResponse()


def with_python(address, index):
    with Session(address, Opened(CHAIN, SESSION, bytes(SESSION_KEY), index)) as opened:
        answer = opened.ask(prompt="why?", max_tokens=MAX_TOKENS)
        try:
            text = "".join(answer)
        except AnswerRefused as refused:
            return {"refused": str(refused)}
        return {"text": text, "fee": answer.finished.fee, "unacknowledged": answer.unacknowledged}


def with_javascript(address, index):
    arguments = ["node", "test/ask_one.mjs", address, bytes(SESSION_KEY).hex(), str(index)]
    out = subprocess.run(arguments, cwd=JS, capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


at = Node()
index = 0
for ask in (with_python, with_javascript):
    for case, told in CASES:
        at.case = case
        got = ask(at.address, index)
        who = f"{ask.__name__}, a node that {case}: {got}"
        if told:
            assert told in got["refused"], who
        else:
            assert (got["text"], got["fee"]) == ("It \N{CRAB} is.", "24"), who
            taken = case != "takes no acknowledgement"
            assert taken == (got["unacknowledged"] is None), who
        assert (index in at.acknowledged) == (not told and case != "takes no acknowledgement"), who
        index += 1
at.stop()
