// What ping.pub and Mintscan ask a chain's REST interface, and what they need in the answers. ping.pub
// takes the requests that it has for the SDK's version in node_info. Ends with 0 if all were answered.
//
//   node explorers.mjs REST ACCOUNT TX_HASH

import assert from "node:assert/strict";

const [rest, account, hash] = process.argv.slice(2);

async function lcd(path) {
  const response = await fetch(`${rest}${path}`);
  const body = await response.json();
  assert.ok(response.headers.get("content-type").startsWith("application/json"), path);
  return [response.status, body];
}

async function answer(path) {
  const [status, body] = await lcd(path);
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

const text = (value) => typeof value === "string" && value.length > 0;
const count = (value) => /^\d+$/.test(value);
const decimal = (value) => /^\d+\.\d{18}$/.test(value);

const node = await answer("/cosmos/base/tendermint/v1beta1/node_info");
assert.match(node.application_version.cosmos_sdk_version, /^v0\.50\./);
assert.ok(text(node.default_node_info.network));

const { validators } = await answer("/cosmos/staking/v1beta1/validators?pagination.limit=300&status=BOND_STATUS_BONDED");
assert.ok(validators.length > 0);
for (const one of validators) {
  assert.ok(count(one.tokens) && text(one.description.moniker) && decimal(one.commission.commission_rates.rate));
  assert.ok(decimal(one.delegator_shares) && text(one.consensus_pubkey.key) && one.jailed === false);
  assert.equal(one.status, "BOND_STATUS_BONDED");
}
for (const status of ["BOND_STATUS_UNBONDED", "BOND_STATUS_UNBONDING"]) {
  const others = await answer(`/cosmos/staking/v1beta1/validators?pagination.limit=300&status=${status}`);
  assert.deepEqual(others.validators, []);
}
const valoper = validators[0].operator_address;

// Path, and what must be true of the answer.
const answered = [
  ["/cosmos/auth/v1beta1/params", ({ params }) => count(params.max_memo_characters)],
  ["/cosmos/auth/v1beta1/accounts?pagination.limit=2", ({ accounts }) => accounts.length > 0],
  [`/cosmos/auth/v1beta1/accounts/${account}`, (a) => a.account.address === account],
  ["/cosmos/bank/v1beta1/params", ({ params }) => params.default_send_enabled === true],
  [`/cosmos/bank/v1beta1/balances/${account}`, ({ balances }) => count(balances[0].amount)],
  ["/cosmos/bank/v1beta1/denoms_metadata", ({ metadatas }) => metadatas[0].display === "icoin"],
  ["/cosmos/bank/v1beta1/supply", ({ supply }) => count(supply[0].amount)],
  ["/cosmos/bank/v1beta1/supply/by_denom?denom=nicoin", ({ amount }) => count(amount.amount)],
  ["/cosmos/staking/v1beta1/params", ({ params }) => params.bond_denom === "nicoin" && text(params.unbonding_time)],
  ["/cosmos/staking/v1beta1/pool", ({ pool }) => count(pool.bonded_tokens) && count(pool.not_bonded_tokens)],
  [`/cosmos/staking/v1beta1/validators/${valoper}`, ({ validator }) => validator.operator_address === valoper],
  [`/cosmos/staking/v1beta1/validators/${valoper}/delegations?pagination.limit=5`, ({ delegation_responses }) => Array.isArray(delegation_responses)],
  [`/cosmos/staking/v1beta1/validators/${valoper}/unbonding_delegations`, ({ unbonding_responses }) => Array.isArray(unbonding_responses)],
  [`/cosmos/staking/v1beta1/delegations/${account}`, ({ delegation_responses }) => delegation_responses.length === 0],
  [`/cosmos/staking/v1beta1/delegators/${account}/redelegations`, ({ redelegation_responses }) => redelegation_responses.length === 0],
  [`/cosmos/staking/v1beta1/delegators/${account}/unbonding_delegations`, ({ unbonding_responses }) => unbonding_responses.length === 0],
  [`/cosmos/staking/v1beta1/delegators/${account}/validators`, (list) => list.validators.length === 0],
  ["/cosmos/slashing/v1beta1/params", ({ params }) => count(params.signed_blocks_window) && text(params.downtime_jail_duration)],
  ["/cosmos/slashing/v1beta1/signing_infos?pagination.limit=300", ({ info }) => info.length > 0 && count(info[0].missed_blocks_counter)],
  ["/cosmos/distribution/v1beta1/params", ({ params }) => decimal(params.community_tax)],
  ["/cosmos/distribution/v1beta1/community_pool", ({ pool }) => Array.isArray(pool)],
  [`/cosmos/distribution/v1beta1/delegators/${account}/rewards`, ({ rewards, total }) => rewards.length === 0 && total.length === 0],
  [`/cosmos/distribution/v1beta1/validators/${valoper}/commission`, ({ commission }) => Array.isArray(commission.commission)],
  [`/cosmos/distribution/v1beta1/validators/${valoper}/outstanding_rewards`, ({ rewards }) => Array.isArray(rewards.rewards)],
  ["/cosmos/gov/v1/params/voting", ({ voting_params }) => text(voting_params.voting_period)],
  ["/cosmos/gov/v1/params/tallying", ({ tally_params }) => decimal(tally_params.quorum)],
  ["/cosmos/gov/v1/params/deposit", ({ deposit_params }) => count(deposit_params.min_deposit[0].amount)],
  ["/cosmos/gov/v1/proposals?pagination.limit=20&pagination.reverse=true", ({ proposals }) => text(proposals[0].title) && count(proposals[0].final_tally_result.yes_count)],
  ["/cosmos/gov/v1/proposals?proposal_status=2&pagination.limit=5", ({ proposals }) => Array.isArray(proposals)],
  ["/cosmos/gov/v1/proposals/1", ({ proposal }) => proposal.id === "1" && proposal.messages.every((one) => text(one["@type"]))],
  ["/cosmos/gov/v1/proposals/1/tally", ({ tally }) => count(tally.yes_count)],
  ["/cosmos/gov/v1/proposals/1/votes", ({ votes }) => Array.isArray(votes)],
  ["/cosmos/gov/v1/proposals/1/deposits", ({ deposits }) => Array.isArray(deposits)],
  ["/cosmos/gov/v1beta1/proposals?pagination.limit=20", ({ proposals }) => proposals[0].proposal_id === "1"],
  [`/cosmos/authz/v1beta1/grants/granter/${account}`, ({ grants }) => grants.length === 0],
  [`/cosmos/authz/v1beta1/grants/grantee/${account}`, ({ grants }) => grants.length === 0],
  [`/cosmos/feegrant/v1beta1/allowances/${account}`, ({ allowances }) => allowances.length === 0],
  ["/cosmos/base/tendermint/v1beta1/blocks/latest", ({ block, block_id }) => text(block_id.hash) && count(block.header.height) && Array.isArray(block.last_commit.signatures)],
  ["/cosmos/base/tendermint/v1beta1/blocks/2", ({ block }) => block.header.height === "2" && Array.isArray(block.data.txs)],
  ["/cosmos/base/tendermint/v1beta1/validatorsets/latest?pagination.limit=100", (set) => /^racevalcons1/.test(set.validators[0].address) && count(set.validators[0].voting_power)],
  ["/cosmos/base/tendermint/v1beta1/validatorsets/2?pagination.limit=100", (set) => set.block_height === "2"],
  ["/cosmos/base/tendermint/v1beta1/syncing", ({ syncing }) => syncing === false],
  ["/cosmos/base/node/v1beta1/config", (config) => text(config.minimum_gas_price)],
  [`/cosmos/tx/v1beta1/txs/${hash}`, ({ tx, tx_response }) => tx_response.txhash === hash && tx.body.messages.length === 1],
  [`/cosmos/tx/v1beta1/txs?query=message.sender='${account}'&order_by=2&limit=50`, ({ tx_responses }) => tx_responses.some((one) => one.txhash === hash)],
  ["/cosmos/tx/v1beta1/txs/block/2?pagination.limit=20", ({ txs, block }) => Array.isArray(txs) && block.header.height === "2"],
  ["/cosmos/upgrade/v1beta1/current_plan", ({ plan }) => plan === null],
  ["/cosmos/consensus/v1/params", ({ params }) => text(params.block.max_bytes)],
];
for (const [path, right] of answered) {
  const body = await answer(path);
  assert.ok(right(body), `${path}: ${JSON.stringify(body).slice(0, 600)}`);
}

// What a chain without these modules answers: explorers leave the card out then.
const without = [
  "/cosmos/mint/v1beta1/inflation", "/cosmos/mint/v1beta1/params", "/cosmos/mint/v1beta1/annual_provisions",
  "/cosmos/params/v1beta1/params?subspace=icahost&key=AllowMessages",
  `/cosmos/distribution/v1beta1/validators/${valoper}/slashes`,
  "/ibc/apps/transfer/v1/denom_traces?pagination.limit=20", "/ibc/apps/transfer/v1/params",
  "/ibc/core/channel/v1/channels?pagination.limit=20", "/ibc/core/connection/v1/connections?pagination.limit=20",
  "/ibc/core/client/v1/client_states",
];
for (const path of without) {
  const [status, body] = await lcd(path);
  assert.ok((status === 501 && body.code === 12) || status === 200, `${path}: ${status} ${JSON.stringify(body)}`);
  assert.ok(status === 200 || Array.isArray(body.details), path);
}
console.log(`ok ${answered.length + 4} answered, ${without.length} of modules that may not be there`);
