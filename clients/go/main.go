// Command verify follows a network with CometBFT's light client and believes nothing that it cannot verify:
// headers and validator sets from a trusted header on, a transaction's inclusion, and state at past heights
// by ICS-23, existence and absence. It ends with 0 if all of it holds and what was altered is refused.
//
//	verify NETWORK_JSON
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/crypto/merkle"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/light/provider"
	lighthttp "github.com/cometbft/cometbft/light/provider/http"
	lightrpc "github.com/cometbft/cometbft/light/rpc"
	lightdb "github.com/cometbft/cometbft/light/store/db"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	ics23 "github.com/cosmos/ics23/go"
)

// network is what is read of network.json.
type network struct {
	ChainID string `json:"chain_id"`
	Denom   string
	Nodes   []struct{ RPC string }
	// Of a local network.
	Accounts []struct{ Name, Address string }
	Trust    struct {
		Height int64
		Hash   string
	}
	Specs []*ics23.ProofSpec `json:"-"`
}

func readNetwork(file string) (*network, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var specs struct {
		Specs []json.RawMessage `json:"ics23_specs"`
	}
	n := new(network)
	if err := errors.Join(json.Unmarshal(text, n), json.Unmarshal(text, &specs)); err != nil {
		return nil, err
	}
	for _, text := range specs.Specs {
		spec, err := readSpec(text)
		if err != nil {
			return nil, err
		}
		n.Specs = append(n.Specs, spec)
	}
	return n, nil
}

// addressOf is the address behind a bech32 text, which is not checked: what is read is of network.json.
func addressOf(text string) []byte {
	const digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	data := text[strings.LastIndex(text, "1")+1:]
	var out []byte
	bits, held := 0, 0
	for _, c := range data[:len(data)-6] {
		held, bits = held<<5|strings.IndexRune(digits, c), bits+5
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(held>>bits))
			held &= 1<<bits - 1
		}
	}
	return out
}

// balanceKey is the SDK's key of a balance.
func (n *network) balanceKey(address []byte) []byte {
	return append(append([]byte{2, byte(len(address))}, address...), n.Denom...)
}

type checker struct {
	network *network
	raw     *rpchttp.HTTP
	light   *light.Client
	// The node's RPC, with each answer verified.
	verified *lightrpc.Client
	// Where the account made its last transfer.
	transfer int64
}

func newChecker(ctx context.Context, n *network) (*checker, error) {
	address := n.Nodes[0].RPC
	raw, err := rpchttp.New(address, "/websocket")
	if err != nil {
		return nil, err
	}
	primary, err := lighthttp.New(n.ChainID, address)
	if err != nil {
		return nil, err
	}
	hash, err := hex.DecodeString(n.Trust.Hash)
	if err != nil {
		return nil, err
	}
	trust := light.TrustOptions{Period: 24 * time.Hour, Height: n.Trust.Height, Hash: hash}
	store := lightdb.New(dbm.NewMemDB(), "light")
	// A witness is another node, where there is one.
	last, err := lighthttp.New(n.ChainID, n.Nodes[len(n.Nodes)-1].RPC)
	if err != nil {
		return nil, err
	}
	client, err := light.NewClient(ctx, n.ChainID, trust, primary, []provider.Provider{last}, store)
	if err != nil {
		return nil, err
	}
	verified := lightrpc.NewClient(raw, client, lightrpc.KeyPathFn(lightrpc.DefaultMerkleKeyPathFn()))
	specs := 0
	verified.RegisterOpDecoder("ics23:jmt", func(op cmtcrypto.ProofOp) (merkle.ProofOperator, error) {
		specs++
		return newMembership(n.Specs[(specs-1)%len(n.Specs)], op)
	})
	return &checker{network: n, raw: raw, light: client, verified: verified}, nil
}

func (c *checker) headers(ctx context.Context) error {
	latest, err := c.light.Update(ctx, time.Now())
	if err != nil {
		return err
	}
	if latest == nil {
		return errors.New("there is no header after the trusted one")
	}
	// Backwards and in between, too.
	for _, height := range []int64{latest.Height / 2, c.network.Trust.Height, latest.Height} {
		if _, err := c.light.VerifyLightBlockAtHeight(ctx, height, time.Now()); err != nil {
			return fmt.Errorf("header %d: %w", height, err)
		}
		if _, err := c.verified.Validators(ctx, &height, nil, nil); err != nil {
			return fmt.Errorf("validators of %d: %w", height, err)
		}
		if _, err := c.verified.Block(ctx, &height); err != nil {
			return fmt.Errorf("block %d: %w", height, err)
		}
	}
	return nil
}

func (c *checker) transaction(ctx context.Context, account string) error {
	one := 1
	query := fmt.Sprintf("message.action='/cosmos.bank.v1beta1.MsgSend' AND message.sender='%s'", account)
	found, err := c.raw.TxSearch(ctx, query, true, &one, &one, "desc")
	if err != nil {
		return err
	}
	if len(found.Txs) == 0 {
		return errors.New("there is no transfer yet; send one first")
	}
	tx, err := c.verified.Tx(ctx, found.Txs[0].Hash, true)
	if err != nil {
		return err
	}
	c.transfer = tx.Height
	header, err := c.light.TrustedLightBlock(tx.Height)
	if err != nil {
		return err
	}
	tx.Proof.Data = append(tx.Proof.Data, 0)
	if tx.Proof.Validate(header.DataHash) == nil {
		return errors.New("the proof of another transaction was accepted")
	}
	return nil
}

// state has the balance of an account verified by the light client, before and after its last transfer.
func (c *checker) state(ctx context.Context, account string) error {
	// The state after a block is under the next one's header.
	if _, err := c.headerAt(ctx, c.transfer+1); err != nil {
		return err
	}
	key := c.network.balanceKey(addressOf(account))
	var values [][]byte
	for _, height := range []int64{c.transfer - 1, c.transfer} {
		options := rpcclient.ABCIQueryOptions{Height: height}
		answer, err := c.verified.ABCIQueryWithOptions(ctx, "/store/bank/key", key, options)
		if err != nil {
			return fmt.Errorf("height %d: %w", height, err)
		}
		if answer.Response.Height != height {
			return fmt.Errorf("asked for height %d, got %d", height, answer.Response.Height)
		}
		values = append(values, answer.Response.Value)
	}
	if bytes.Equal(values[0], values[1]) {
		return fmt.Errorf("the transfer in block %d left %s where it was", c.transfer, values[1])
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: verify NETWORK_JSON")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := readNetwork(file)
	if err != nil {
		return err
	}
	c, err := newChecker(ctx, n)
	if err != nil {
		return err
	}
	alice := n.Accounts[0].Address
	steps := []struct {
		name string
		run  func() error
	}{
		{"headers, validators and blocks from the trusted one on", func() error { return c.headers(ctx) }},
		{"a transaction in its block", func() error { return c.transaction(ctx, alice) }},
		{"a balance at past heights, by the light client", func() error { return c.state(ctx, alice) }},
		{"existence and absence by ICS-23, and what was altered refused", func() error { return c.proofs(ctx, alice) }},
	}
	for _, step := range steps {
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println("ok", step.name)
	}
	return nil
}
