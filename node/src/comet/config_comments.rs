//! The order and the explanation of each key in the rendered `config.toml`.

/// Section (empty for the top), and its keys with one line each.
pub const COMMENTS: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("moniker", "The name that other nodes see."),
            ("proxy_app", "Where the application (raced) listens for ABCI."),
            ("db_backend", "Storage engine of blocks and consensus state."),
            ("db_dir", "Their folder, relative to the home."),
            (
                "log_level",
                "A level, or module:level pairs that end with *:level. Levels: debug, info, error, none.",
            ),
            ("log_format", "json or plain; raced forwards both to its own log."),
        ],
    ),
    (
        "rpc",
        &[
            ("laddr", "JSON-RPC and WebSocket. Wallets and explorers connect here; raced to the socket."),
            ("cors_allowed_origins", "Web origins that may call it; [\"*\"] for any."),
            ("unsafe", "Serve commands that control the node. Never on an open port."),
            (
                "max_open_connections",
                "Connections of each address, WebSockets included; more wait until one ends. Each is an open file.",
            ),
            (
                "max_body_bytes",
                "Largest request; above the base64 form of mempool.max_tx_bytes.",
            ),
            (
                "timeout_broadcast_tx_commit",
                "How long broadcast_tx_commit waits for its block.",
            ),
            ("pprof_laddr", "Go profiler; empty is off."),
        ],
    ),
    (
        "p2p",
        &[
            ("laddr", "Peers connect here."),
            (
                "external_address",
                "host:port told to peers, needed behind NAT; empty to let CometBFT work it out.",
            ),
            ("seeds", "id@host:port, comma-separated; asked once for more peers."),
            ("persistent_peers", "id@host:port, comma-separated; kept connected."),
            (
                "addr_book_strict",
                "Refuse peer addresses that are not routable. false on private networks.",
            ),
            ("allow_duplicate_ip", "Allow several peers from one address."),
            ("max_num_inbound_peers", "Peers that dialled us."),
            ("max_num_outbound_peers", "Peers that we dialled, persistent ones aside."),
            (
                "persistent_peers_max_dial_period",
                "Longest pause between redials of a persistent peer; 0s is exponential backoff.",
            ),
            ("flush_throttle_timeout", "How long small messages gather before they are sent."),
            ("send_rate", "Bytes per second to one peer."),
            ("recv_rate", "Bytes per second from one peer."),
            ("pex", "Exchange peer addresses with peers."),
        ],
    ),
    (
        "mempool",
        &[
            ("recheck", "Check the transactions that are left again after each block."),
            ("recheck_timeout", "Time for all those checks together."),
            ("broadcast", "Pass transactions on to peers."),
            ("size", "Most transactions."),
            (
                "max_txs_bytes",
                "Most bytes. The whole pool reaches the application in one message: keep it far below 1 GiB.",
            ),
            ("cache_size", "Transaction hashes remembered, to drop repeats."),
            ("max_tx_bytes", "Largest transaction."),
        ],
    ),
    (
        "statesync",
        &[
            ("enable", "Join from a snapshot instead of replaying every block."),
            ("rpc_servers", "Comma-separated RPC servers, at least two, asked for headers."),
            ("trust_height", "Height of a header that you trust."),
            ("trust_hash", "Its hash in hex."),
            (
                "trust_period",
                "How long trust lasts; at most two thirds of the 21 days that bonds stay locked.",
            ),
            ("discovery_time", "Time to look for snapshots."),
        ],
    ),
    (
        "consensus",
        &[
            ("timeout_propose", "Wait for a proposal before voting nil."),
            ("timeout_propose_delta", "Added to it per round."),
            (
                "timeout_prevote",
                "Wait for more prevotes once two thirds voted, but not for one block.",
            ),
            ("timeout_prevote_delta", "Added to it per round."),
            (
                "timeout_precommit",
                "Wait for more precommits once two thirds voted, but not for one block.",
            ),
            ("timeout_precommit_delta", "Added to it per round."),
            ("timeout_commit", "Pause after a block: in effect the block time."),
            (
                "create_empty_blocks",
                "Epochs are counted in blocks: leave true.",
            ),
            ("peer_gossip_sleep_duration", "Pause of the gossip loops with nothing to send."),
            (
                "double_sign_check_height",
                "Refuse to start when this node's key signed in this many last blocks; 0 is off.",
            ),
        ],
    ),
    (
        "storage",
        &[(
            "discard_abci_responses",
            "Drop the results of past blocks. block_results and reindexing need them.",
        )],
    ),
    (
        "tx_index",
        &[("indexer", "kv, or null to index nothing (wallets need kv).")],
    ),
    (
        "instrumentation",
        &[
            ("prometheus", "Serve CometBFT's own metrics, beside those of raced."),
            ("prometheus_listen_addr", "host:port of those metrics."),
        ],
    ),
];
