"""cosmpy as its users have it, over gRPC and over REST, against a running network. Ends with 0 if each step
worked.

    python3 check.py NETWORK_JSON
"""

import json
import sys

import grpc
from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.client.bank import create_bank_send_msg
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.exceptions import BroadcastError, InsufficientFeesError, NotFoundError, OutOfGasError
from cosmpy.aerial.tx import Transaction, TxFee
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.protos.cosmos.tx.v1beta1.service_pb2 import GetTxsEventRequest

with open(sys.argv[1], encoding="utf-8") as file:
    network = json.load(file)
node, denom = network["nodes"][0], network["denom"]
bob = next(account for account in network["accounts"] if account["name"] == "bob")
wallet = LocalWallet.from_mnemonic(bob["mnemonic"], prefix=network["bech32_prefix"])
assert str(wallet.address()) == bob["address"]


def step(name, run, *arguments):
    run(*arguments)
    print(f"ok {name}", flush=True)


def connect(url):
    config = NetworkConfig(
        chain_id=network["chain_id"],
        url=url,
        fee_minimum_gas_price=0.02,
        fee_denomination=denom,
        staking_denomination=denom,
    )
    return LedgerClient(config, query_interval_secs=1, query_timeout_secs=60)


def refused(error, run):
    try:
        run()
    except error as found:
        return found
    raise AssertionError(f"expected {error.__name__}")


def a_transfer(ledger):
    to = LocalWallet.generate(prefix=network["bech32_prefix"]).address()
    sent = ledger.send_tokens(to, 77, denom, wallet, memo="from cosmpy").wait_to_complete()
    assert ledger.query_bank_balance(to) == 77
    found = ledger.query_tx(sent.tx_hash)
    assert found.is_successful() and 0 < found.gas_used <= found.gas_wanted
    assert found.events["transfer"]["recipient"] == str(to)
    assert [coin.amount for coin in ledger.query_bank_all_balances(to)] == ["77"]


def two_messages_in_one(ledger):
    transaction = Transaction()
    for amount in (1, 2):
        transaction.add_message(create_bank_send_msg(wallet.address(), wallet.address(), amount, denom))
    sent = prepare_and_broadcast_basic_transaction(ledger, transaction, wallet).wait_to_complete()
    assert sent.response.events["transfer"]["msg_index"] == "1"


def refusals(ledger):
    def send(amount, fee):
        return ledger.send_tokens(wallet.address(), amount, denom, wallet, fee=fee).wait_to_complete()

    enough = f"10000{denom}"
    out_of_gas = refused(OutOfGasError, lambda: send(1, TxFee(enough, gas_limit=1)))
    assert out_of_gas.gas_wanted == 1 < out_of_gas.gas_used
    cheap = refused(InsufficientFeesError, lambda: send(1, TxFee(f"1{denom}", gas_limit=400_000)))
    assert cheap.minimum_required_fee == f"4000{denom}"
    poor = refused(BroadcastError, lambda: send(10**20, TxFee(enough, gas_limit=400_000)))
    assert "insufficient funds" in str(poor)


def what_is_not_there(ledger):
    refused(NotFoundError, lambda: ledger.query_tx("AB" * 32))
    nobody = LocalWallet.generate(prefix=network["bech32_prefix"]).address()
    refused(Exception, lambda: ledger.query_account(nobody))
    assert ledger.query_bank_balance(nobody) == 0 and ledger.query_bank_all_balances(nobody) == []


def the_chain(ledger):
    assert ledger.query_chain_id() == network["chain_id"]
    block = ledger.query_latest_block()
    assert ledger.query_block(block.height).height == block.height <= ledger.query_height()
    assert ledger.query_node_info().app_version.release
    assert ledger.query_consensus_params().params.block.max_gas
    assert ledger.query_validators()
    assert ledger.query_staking_summary(wallet.address()).total_staked == 0


def a_search(ledger):
    request = GetTxsEventRequest(query=f"message.sender='{wallet.address()}'", limit=5)
    assert ledger.txs.GetTxsEvent(request).total > 0


def reflection_as_older_tools_ask_for_it():
    method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    # Field 7, list_services: "*".
    with grpc.insecure_channel(node["grpc"]) as channel:
        answer = next(channel.stream_stream(method)(iter([b"\x3a\x01*"])))
    assert b"cosmos.bank.v1beta1.Query" in answer and b"race.session.v1.Query" in answer


step("reflection v1alpha", reflection_as_older_tools_ask_for_it)
for kind, url in [("gRPC", f"grpc+http://{node['grpc']}"), ("REST", f"rest+{node['rest']}")]:
    client = connect(url)
    step(f"{kind}: a transfer, simulated, sent and found", a_transfer, client)
    step(f"{kind}: what is not there", what_is_not_there, client)
    step(f"{kind}: the chain and its validators", the_chain, client)
    if kind == "gRPC":
        step("two messages in one transaction", two_messages_in_one, client)
        step("refusals become cosmpy's errors", refusals, client)
        step("a search by events", a_search, client)
