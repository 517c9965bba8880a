"""Opens a session and streams an answer.

    python3 ask.py CHAIN_ID GRPC MODEL "a question"        with the mnemonic in RACE_MNEMONIC
"""

import os
import sys

from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.wallet import LocalWallet

from race_client import Session, open_session

chain_id, node, model, question = sys.argv[1:]
config = NetworkConfig(
    chain_id=chain_id,
    url=f"grpc+http://{node}",
    fee_minimum_gas_price=0.02,
    fee_denomination="nicoin",
    staking_denomination="nicoin",
)
wallet = LocalWallet.from_mnemonic(os.environ["RACE_MNEMONIC"], prefix="race")
opened = open_session(LedgerClient(config), wallet, model, escrow=10**9, ceiling=10**8)
print(f"session {opened.id}", file=sys.stderr)

with Session(node, opened) as session:
    answer = session.ask([("user", question)], max_tokens=64)
    for text in answer:
        print(text, end="", flush=True)
end = answer.finished
print(f"\n{end.prompt_tokens} prompt and {end.output_tokens} answer tokens, {end.fee} nicoin", file=sys.stderr)
