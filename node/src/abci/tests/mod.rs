//! Tests of the ABCI server, over real sockets.

mod codec;
mod oracle;
mod panics;
mod server;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::request::Value as Call;
use tendermint_proto::v0_38::abci::response::Value as Answer;
use tendermint_proto::v0_38::abci::*;

use super::codec::{encode, Reader};
use super::{Address, Handle, Options, Server};

/// Answers with what it was asked, and panics where it is asked to.
#[derive(Clone)]
struct Mirror;

fn panic_if(bytes: &[u8]) {
    if bytes == b"panic" {
        panic!("asked to panic");
    }
}

impl Application for Mirror {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        panic_if(request.version.as_bytes());
        ResponseInfo {
            data: request.version,
            version: "1".into(),
            last_block_height: 7,
            ..Default::default()
        }
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        panic_if(request.chain_id.as_bytes());
        ResponseInitChain {
            app_hash: request.app_state_bytes,
            validators: request.validators,
            ..Default::default()
        }
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        panic_if(&request.data);
        let value = request.path.into_bytes().into();
        ResponseQuery {
            key: request.data,
            value,
            height: request.height,
            ..Default::default()
        }
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        panic_if(&request.tx);
        ResponseCheckTx {
            gas_wanted: request.tx.len() as i64,
            data: request.tx,
            ..Default::default()
        }
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        panic!("snapshots are broken")
    }

    fn offer_snapshot(&self, _: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        panic!("snapshots are broken")
    }

    fn load_snapshot_chunk(&self, _: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        panic!("snapshots are broken")
    }

    fn apply_snapshot_chunk(&self, _: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        panic!("snapshots are broken")
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        request.txs.iter().for_each(|tx| panic_if(tx));
        ResponsePrepareProposal { txs: request.txs }
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        request.txs.iter().for_each(|tx| panic_if(tx));
        ResponseProcessProposal { status: 1 }
    }

    fn extend_vote(&self, request: RequestExtendVote) -> ResponseExtendVote {
        panic_if(&request.hash);
        ResponseExtendVote {
            vote_extension: request.hash,
        }
    }

    fn verify_vote_extension(
        &self,
        request: RequestVerifyVoteExtension,
    ) -> ResponseVerifyVoteExtension {
        panic_if(&request.vote_extension);
        ResponseVerifyVoteExtension { status: 1 }
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        request.txs.iter().for_each(|tx| panic_if(tx));
        let result = |tx: bytes::Bytes| ExecTxResult {
            data: tx,
            ..Default::default()
        };
        let tx_results = request.txs.into_iter().map(result).collect();
        ResponseFinalizeBlock {
            tx_results,
            app_hash: request.hash,
            ..Default::default()
        }
    }

    fn commit(&self) -> ResponseCommit {
        ResponseCommit { retain_height: 3 }
    }
}

fn start(address: Address) -> Handle {
    Server::bind(address, Mirror, Options::default())
        .expect("listens")
        .start()
}

fn start_tcp() -> Handle {
    start("tcp://127.0.0.1:0".parse().expect("an address"))
}

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// CometBFT's side of a connection.
struct Client {
    stream: Reader<Box<dyn Socket>>,
    writer: Box<dyn Socket>,
}

impl Client {
    fn connect(address: &Address) -> Self {
        let (reader, writer): (Box<dyn Socket>, Box<dyn Socket>) = match address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).expect("connects");
                (
                    Box::new(stream.try_clone().expect("clones")),
                    Box::new(stream),
                )
            }
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).expect("connects");
                stream.set_nodelay(true).expect("no delay");
                (
                    Box::new(stream.try_clone().expect("clones")),
                    Box::new(stream),
                )
            }
        };
        Self {
            stream: Reader::new(reader, 1 << 30),
            writer,
        }
    }

    fn send(&mut self, calls: impl IntoIterator<Item = Call>) {
        let mut bytes = vec![];
        for call in calls {
            encode(&Request { value: Some(call) }, &mut bytes);
        }
        self.writer.write_all(&bytes).expect("writes");
    }

    fn receive(&mut self) -> Option<Answer> {
        let response: Response = self.stream.read_message().expect("an answer")?;
        response.value
    }

    fn ask(&mut self, call: Call) -> Answer {
        self.send([call]);
        self.receive()
            .expect("an answer, not the end of the stream")
    }
}

fn echo(message: impl ToString) -> Call {
    Call::Echo(RequestEcho {
        message: message.to_string(),
    })
}

fn echoed(message: impl ToString) -> Answer {
    Answer::Echo(ResponseEcho {
        message: message.to_string(),
    })
}

fn query(data: &[u8]) -> Call {
    Call::Query(RequestQuery {
        data: data.to_vec().into(),
        path: "/p".into(),
        height: 9,
        prove: true,
    })
}

fn check_tx(tx: &[u8]) -> Call {
    Call::CheckTx(RequestCheckTx {
        tx: tx.to_vec().into(),
        r#type: 0,
    })
}

fn framed(message: &impl Message) -> Vec<u8> {
    let mut bytes = vec![];
    encode(message, &mut bytes);
    bytes
}
