//! cosmrs as its users have it: an account is asked for, a transfer simulated, signed, sent, found by its hash
//! and by its events; a refusal is read; what tendermint-rpc parses of a node, it parses. Ends with 0 if all of
//! it worked.
//!
//!     cosmrs-against-raced NETWORK_JSON

use std::error::Error;
use std::time::Duration;

use bip32::{Language, Mnemonic};
use cosmrs::bank::MsgSend;
use cosmrs::crypto::secp256k1::SigningKey;
use cosmrs::proto::cosmos::auth::v1beta1::{
    BaseAccount, QueryAccountRequest, QueryAccountResponse,
};
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmrs::proto::traits::Message;
use cosmrs::rpc::endpoint::tx::Response as Found;
use cosmrs::rpc::query::Query;
use cosmrs::rpc::{Client, HttpClient, Order};
use cosmrs::tx::{self, Body, Fee, Msg, SignDoc, SignerInfo};
use cosmrs::{AccountId, Coin};

type Failure = Box<dyn Error>;

/// Who sends, where to.
struct Wallet {
    rpc: HttpClient,
    key: SigningKey,
    address: AccountId,
    chain_id: String,
    denom: String,
}

fn text(value: &serde_json::Value) -> Result<&str, Failure> {
    value
        .as_str()
        .ok_or_else(|| "network.json: expected a text".into())
}

impl Wallet {
    fn bob(network: &serde_json::Value) -> Result<Self, Failure> {
        let accounts = network["accounts"]
            .as_array()
            .ok_or("network.json has no accounts")?;
        let bob = accounts
            .iter()
            .find(|a| a["name"] == "bob")
            .ok_or("there is no bob")?;
        let mnemonic = Mnemonic::new(text(&bob["mnemonic"])?, Language::English)?;
        let key =
            SigningKey::derive_from_path(mnemonic.to_seed(""), &"m/44'/118'/0'/0/0".parse()?)?;
        let address = key
            .public_key()
            .account_id(text(&network["bech32_prefix"])?)?;
        if address.to_string() != text(&bob["address"])? {
            return Err(format!("the mnemonic gives {address}").into());
        }
        Ok(Self {
            rpc: HttpClient::new(text(&network["nodes"][0]["rpc"])?)?,
            key,
            address,
            chain_id: text(&network["chain_id"])?.to_owned(),
            denom: text(&network["denom"])?.to_owned(),
        })
    }

    async fn ask<A: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<A, Failure> {
        let data = request.encode_to_vec();
        let answer = self
            .rpc
            .abci_query(Some(path.to_owned()), data, None, false)
            .await?;
        if answer.code.is_err() {
            return Err(format!("{path}: {}", answer.log).into());
        }
        Ok(A::decode(answer.value.as_slice())?)
    }

    async fn account(&self) -> Result<BaseAccount, Failure> {
        let request = QueryAccountRequest {
            address: self.address.to_string(),
        };
        let path = "/cosmos.auth.v1beta1.Query/Account";
        let answer: QueryAccountResponse = self.ask(path, &request).await?;
        let account = answer.account.ok_or("no account")?;
        Ok(BaseAccount::decode(account.value.as_slice())?)
    }

    fn coin(&self, amount: u128) -> Result<Coin, Failure> {
        Ok(Coin {
            denom: self.denom.parse()?,
            amount,
        })
    }

    /// A transfer of 1 nicoin to bob himself.
    fn transfer(&self, account: &BaseAccount, sequence: u64, gas: u64) -> Result<Vec<u8>, Failure> {
        let message = MsgSend {
            from_address: self.address.clone(),
            to_address: self.address.clone(),
            amount: vec![self.coin(1)?],
        };
        let body = Body::new([message.to_any()?], "from cosmrs", 0u32);
        let fee = Fee::from_amount_and_gas(self.coin(u128::from(gas) / 50)?, gas);
        let auth = SignerInfo::single_direct(Some(self.key.public_key()), sequence).auth_info(fee);
        let chain_id = self.chain_id.parse()?;
        let document = SignDoc::new(&body, &auth, &chain_id, account.account_number)?;
        Ok(document.sign(&self.key)?.to_bytes()?)
    }

    /// The transaction, once it is in a block and indexed.
    async fn included(&self, hash: cosmrs::tendermint::Hash) -> Result<Found, Failure> {
        for _ in 0..300 {
            if let Ok(found) = self.rpc.tx(hash, true).await {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(format!("transaction {hash} was not seen within a minute").into())
    }
}

fn expect(holds: bool, what: &str) -> Result<(), Failure> {
    if !holds {
        return Err(what.into());
    }
    println!("ok {what}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let file = std::env::args()
        .nth(1)
        .ok_or("usage: cosmrs-against-raced NETWORK_JSON")?;
    let network = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let wallet = Wallet::bob(&network)?;
    let account = wallet.account().await?;

    let unsigned = wallet.transfer(&account, account.sequence, 0)?;
    #[allow(deprecated)] // `tx` is the deprecated field
    let request = SimulateRequest {
        tx: None,
        tx_bytes: unsigned,
    };
    let path = "/cosmos.tx.v1beta1.Service/Simulate";
    let simulated: SimulateResponse = wallet.ask(path, &request).await?;
    let used = simulated.gas_info.ok_or("no gas")?.gas_used;
    expect(used > 20_000, "a transfer is simulated")?;

    let sent = wallet.transfer(&account, account.sequence, used * 2)?;
    let answer = wallet.rpc.broadcast_tx_sync(sent.clone()).await?;
    expect(answer.code.is_ok(), "a transfer is taken")?;
    let found = wallet.included(answer.hash).await?;
    expect(
        found.tx_result.code.is_ok() && found.tx == sent,
        "it is found by its hash",
    )?;
    expect(
        tx::Tx::from_bytes(&found.tx)?.body.memo == "from cosmrs",
        "it is read again",
    )?;
    expect(
        found.proof.is_some_and(|proof| proof.data == found.tx),
        "it comes with its proof",
    )?;

    let query = Query::eq("transfer.sender", wallet.address.to_string());
    let listed = wallet
        .rpc
        .tx_search(query, false, 1, 100, Order::Descending)
        .await?;
    expect(
        listed.txs.iter().any(|tx| tx.hash == found.hash),
        "it is found by its events",
    )?;

    let late = wallet.transfer(&account, account.sequence, used * 2)?;
    let answer = wallet.rpc.broadcast_tx_sync(late).await;
    expect(
        answer.is_err(),
        "bytes that the mempool has are refused by RPC",
    )?;
    let early = wallet.transfer(&account, account.sequence + 7, used * 2)?;
    let answer = wallet.rpc.broadcast_tx_sync(early).await?;
    expect(answer.code.value() == 32, "a wrong sequence is code 32")?;
    expect(
        answer.log.contains("account sequence mismatch"),
        "and says so",
    )?;

    let rpc = &wallet.rpc;
    let status = rpc.status().await?;
    expect(
        status.node_info.network.as_str() == wallet.chain_id,
        "the status is read",
    )?;
    let (block, results) = (
        rpc.block(found.height).await?,
        rpc.block_results(found.height).await?,
    );
    let place = usize::try_from(found.index)?;
    expect(
        block.block.data.get(place) == Some(&found.tx),
        "the block is read",
    )?;
    let result = results.txs_results.as_ref().and_then(|all| all.get(place));
    expect(
        result.is_some_and(|one| one.events == found.tx_result.events),
        "its results are read",
    )?;
    let set = rpc
        .validators(found.height, cosmrs::rpc::Paging::All)
        .await?;
    expect(
        set.validators.iter().all(|v| v.power() > 0),
        "the validators are read",
    )?;
    let commit = rpc.commit(found.height).await?;
    expect(
        commit.signed_header.header.height == found.height,
        "the commit is read",
    )?;
    let info = rpc.abci_info().await?;
    expect(
        info.last_block_height >= found.height,
        "the application's state is read",
    )?;
    Ok(())
}
