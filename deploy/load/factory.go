package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto/secp256k1"
	"github.com/informalsystems/tm-load-test/pkg/loadtest"
)

// The file that RACE_LOAD_ACCOUNTS names.
type plan struct {
	terms
	RPC      string     `json:"rpc"`
	Accounts []*account `json:"accounts"`
}

// An account that sends. Its next sequence is ahead of the chain's by what waits in the mempool.
type account struct {
	Address  string `json:"address"`
	Key      string `json:"key"`
	Number   uint64 `json:"number"`
	Sequence uint64 `json:"sequence"`

	key    secp256k1.PrivKey
	public []byte
	lock   sync.Mutex
	// The chain's sequence when it was last asked for.
	committed uint64
}

// Makes a client for each connection, and gives each its own part of the accounts.
type factory struct {
	once sync.Once
	plan *plan
	err  error
	lock sync.Mutex
	made int
}

func (f *factory) load() error {
	f.once.Do(func() {
		f.plan, f.err = read(os.Getenv("RACE_LOAD_ACCOUNTS"))
		if f.err == nil {
			go follow(f.plan)
		}
	})
	return f.err
}

func read(path string) (*plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("RACE_LOAD_ACCOUNTS must name the file of accounts: %w", err)
	}
	plan := &plan{}
	if err := json.Unmarshal(text, plan); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, account := range plan.Accounts {
		if account.key, err = hex.DecodeString(account.Key); err != nil {
			return nil, fmt.Errorf("%s: the key of %s: %w", path, account.Address, err)
		}
		account.public = account.key.PubKey().Bytes()
		account.committed = account.Sequence
	}
	return plan, nil
}

func (f *factory) ValidateConfig(config loadtest.Config) error {
	if err := f.load(); err != nil {
		return err
	}
	if clients := config.Connections * len(config.Endpoints); clients > len(f.plan.Accounts) {
		return fmt.Errorf("%d connections need as many accounts, there are %d", clients, len(f.plan.Accounts))
	}
	return nil
}

func (f *factory) NewClient(config loadtest.Config) (loadtest.Client, error) {
	if err := f.load(); err != nil {
		return nil, err
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	client := &client{plan: f.plan, size: config.Size}
	for at := f.made; at < len(f.plan.Accounts); at += config.Connections * len(config.Endpoints) {
		client.accounts = append(client.accounts, f.plan.Accounts[at])
	}
	f.made++
	if len(client.accounts) == 0 {
		return nil, fmt.Errorf("no account is left for connection %d", f.made)
	}
	return client, nil
}

// Sends from its accounts in turn.
type client struct {
	plan     *plan
	size     int
	accounts []*account
	next     int
}

// GenerateTx signs a transfer that says in its memo when it was made.
func (c *client) GenerateTx() ([]byte, error) {
	from := c.accounts[c.next%len(c.accounts)]
	c.next++
	to := c.accounts[c.next%len(c.accounts)]
	from.lock.Lock()
	defer from.lock.Unlock()
	transfer := transfer{
		key:      from.key,
		public:   from.public,
		from:     from.Address,
		to:       to.Address,
		number:   from.Number,
		sequence: from.Sequence,
		memo:     strconv.FormatInt(time.Now().UnixNano(), 10),
	}
	from.Sequence++
	return transfer.signPadded(&c.plan.terms, c.size)
}
