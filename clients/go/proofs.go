package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cometbft/cometbft/crypto/merkle"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	"github.com/cosmos/gogoproto/jsonpb"
	ics23 "github.com/cosmos/ics23/go"
)

// readSpec reads a ProofSpec as proto JSON.
func readSpec(text json.RawMessage) (*ics23.ProofSpec, error) {
	spec := new(ics23.ProofSpec)
	return spec, jsonpb.Unmarshal(bytes.NewReader(text), spec)
}

// membership is one op of a proof, as the light client of CometBFT runs it: value in, root out.
type membership struct {
	op    cmtcrypto.ProofOp
	spec  *ics23.ProofSpec
	proof *ics23.CommitmentProof
}

func newMembership(spec *ics23.ProofSpec, op cmtcrypto.ProofOp) (membership, error) {
	proof := new(ics23.CommitmentProof)
	return membership{op, spec, proof}, proof.Unmarshal(op.Data)
}

func (m membership) Run(values [][]byte) ([][]byte, error) {
	root, err := m.proof.Calculate()
	if err != nil {
		return nil, err
	}
	if len(values) != 1 || !ics23.VerifyMembership(m.spec, root, m.proof, m.op.Key, values[0]) {
		return nil, fmt.Errorf("%q does not prove its value", m.op.Key)
	}
	return [][]byte{root}, nil
}

func (m membership) GetKey() []byte             { return m.op.Key }
func (m membership) ProofOp() cmtcrypto.ProofOp { return m.op }

var _ merkle.ProofOperator = membership{}

// answer is a key of the store `bank` and what a node says of it, under a verified app hash.
type answer struct {
	key, value, appHash []byte
	leaf, store         *ics23.CommitmentProof
}

func (c *checker) ask(ctx context.Context, key []byte) (*answer, error) {
	options := rpcclient.ABCIQueryOptions{Prove: true}
	result, err := c.raw.ABCIQueryWithOptions(ctx, "/store/bank/key", key, options)
	if err != nil {
		return nil, err
	}
	response := result.Response
	if response.ProofOps == nil || len(response.ProofOps.Ops) != 2 {
		return nil, errors.New("a proof has two ops, the store's and the root's")
	}
	a := &answer{key: key, value: response.Value, leaf: new(ics23.CommitmentProof), store: new(ics23.CommitmentProof)}
	ops := response.ProofOps.Ops
	if err := errors.Join(a.leaf.Unmarshal(ops[0].Data), a.store.Unmarshal(ops[1].Data)); err != nil {
		return nil, err
	}
	// The app hash after a block is in the next one's header.
	a.appHash, err = c.headerAt(ctx, response.Height+1)
	return a, err
}

// headerAt is the app hash of a header, which the next block may have to bring first.
func (c *checker) headerAt(ctx context.Context, height int64) ([]byte, error) {
	for {
		block, err := c.light.VerifyLightBlockAtHeight(ctx, height, time.Now())
		if err == nil {
			return block.AppHash, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// holds says whether the answer is proven, for a value or, without one, for its absence.
func (c *checker) holds(a *answer) bool {
	root := a.store.GetExist().GetValue()
	if !ics23.VerifyMembership(c.network.Specs[1], a.appHash, a.store, []byte("bank"), root) {
		return false
	}
	if len(a.value) == 0 {
		return ics23.VerifyNonMembership(c.network.Specs[0], root, a.leaf, a.key)
	}
	return ics23.VerifyMembership(c.network.Specs[0], root, a.leaf, a.key, a.value)
}

func (c *checker) proofs(ctx context.Context, account string) error {
	there, err := c.ask(ctx, c.network.balanceKey(addressOf(account)))
	if err != nil {
		return err
	}
	absent, err := c.ask(ctx, c.network.balanceKey(bytes.Repeat([]byte{7}, 20)))
	if err != nil {
		return err
	}
	if len(there.value) == 0 || len(absent.value) != 0 {
		return errors.New("the balances are not what they are")
	}
	richer, moved, later, gone := *there, *there, *there, *there
	richer.value = append([]byte("9"), there.value...)
	moved.key = absent.key
	later.appHash = bytes.Repeat([]byte{1}, 32)
	gone.value = nil
	found := *absent
	found.value = []byte("1")
	for _, one := range []struct {
		what   string
		answer *answer
		holds  bool
	}{
		{"a balance", there, true},
		{"the absence of a balance", absent, true},
		{"another amount", &richer, false},
		{"another key", &moved, false},
		{"another app hash", &later, false},
		{"the absence of what is there", &gone, false},
		{"the existence of what is not", &found, false},
	} {
		if c.holds(one.answer) != one.holds {
			return fmt.Errorf("%s: proven is %t, expected %t", one.what, !one.holds, one.holds)
		}
	}
	return nil
}
