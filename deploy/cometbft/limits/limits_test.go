// Package limits tries CometBFT's own limits on messages with the committee's largest vote extensions:
// a hundred validators, each with as many shares as an extension holds.
package limits

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cosmos/gogoproto/proto"

	dbm "github.com/cometbft/cometbft-db"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/evidence"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

const (
	chainID    = "race-limits-1"
	validators = 100
	// MAX_EXTENSION_BYTES of app/src/beacon/signing.rs: 100 shares of 96 bytes, the digest, the framing.
	largest = 32 + 100*96 + 68
	share   = 96
	// The largest tx/max_block_bytes that governance can set: app/src/tx/params.rs.
	block = 64 << 20
	// max_txs_bytes of node/src/comet/config.rs, and max_message_bytes of node/src/abci/server.rs.
	mempool     = 64 << 20
	abciMessage = 256 << 20
)

// committee makes validators of equal power with their keys, in the order of the set.
func committee(t *testing.T) (*types.ValidatorSet, []types.MockPV) {
	t.Helper()
	byAddress := map[string]types.MockPV{}
	var list []*types.Validator
	for range validators {
		key := types.NewMockPV()
		public, err := key.GetPubKey()
		if err != nil {
			t.Fatal(err)
		}
		byAddress[string(public.Address())] = key
		list = append(list, types.NewValidator(public, 10))
	}
	set := types.NewValidatorSet(list)
	var keys []types.MockPV
	for _, validator := range set.Validators {
		keys = append(keys, byAddress[string(validator.Address)])
	}
	return set, keys
}

// extended is the commit of a block by all validators with an extension of so many bytes each.
func extended(t *testing.T, height int64, id types.BlockID, bytes int) (*types.ValidatorSet, *types.ExtendedCommit) {
	t.Helper()
	set, keys := committee(t)
	votes := types.NewExtendedVoteSet(chainID, height, 0, cmtproto.PrecommitType, set)
	for i, key := range keys {
		if _, err := votes.AddVote(signed(t, set, key, int32(i), height, id, bytes)); err != nil {
			t.Fatal(err)
		}
	}
	return set, votes.MakeExtendedCommit(types.ABCIParams{VoteExtensionsEnableHeight: 1})
}

func signed(t *testing.T, set *types.ValidatorSet, key types.PrivValidator, index int32, height int64, id types.BlockID, bytes int) *types.Vote {
	t.Helper()
	vote := &types.Vote{
		Type:             cmtproto.PrecommitType,
		Height:           height,
		BlockID:          id,
		Timestamp:        time.Now(),
		ValidatorAddress: set.Validators[index].Address,
		ValidatorIndex:   index,
		Extension:        make([]byte, bytes),
	}
	wire := vote.ToProto()
	if err := key.SignVote(chainID, wire); err != nil {
		t.Fatal(err)
	}
	vote.Signature, vote.ExtensionSignature = wire.Signature, wire.ExtensionSignature
	return vote
}

func fullBlock(t *testing.T) (*types.Block, *types.PartSet, types.BlockID) {
	t.Helper()
	tx := make([]byte, block-(64<<10))
	made := types.MakeBlock(1, []types.Tx{tx}, &types.Commit{}, nil)
	made.ChainID = chainID
	made.ProposerAddress = make([]byte, 20)
	made.ValidatorsHash = make([]byte, 32)
	parts, err := made.MakePartSet(types.BlockPartSizeBytes)
	if err != nil {
		t.Fatal(err)
	}
	return made, parts, types.BlockID{Hash: made.Hash(), PartSetHeader: parts.Header()}
}

// capacity is the largest message that a reactor takes on its channels.
func capacity(reactor interface {
	GetChannels() []*p2p.ChannelDescriptor
}) int {
	least := 0
	for _, channel := range reactor.GetChannels() {
		if least == 0 || channel.RecvMessageCapacity < least {
			least = channel.RecvMessageCapacity
		}
	}
	return least
}

func fits(t *testing.T, what string, bytes, limit int) {
	t.Helper()
	t.Logf("%s: %d of %d bytes", what, bytes, limit)
	if bytes > limit {
		t.Errorf("%s has %d bytes, more than %d", what, bytes, limit)
	}
}

func TestAVoteWithTheLargestExtensionFitsTheConsensusChannels(t *testing.T) {
	_, _, id := fullBlock(t)
	set, keys := committee(t)
	vote := signed(t, set, keys[0], 0, 1, id, largest)
	message, err := consensus.MsgToProto(&consensus.VoteMessage{Vote: vote})
	if err != nil {
		t.Fatal(err)
	}
	// The write-ahead log's limit is the same and 24 bytes for the time.
	fits(t, "a vote", proto.Size(message), capacity(&consensus.Reactor{}))
}

func TestAFullBlockWithAHundredLargestExtensionsFitsBlocksync(t *testing.T) {
	made, parts, id := fullBlock(t)
	set, commit := extended(t, 1, id, largest)
	wire, err := made.ToProto()
	if err != nil {
		t.Fatal(err)
	}
	message := &bcproto.Message{Sum: &bcproto.Message_BlockResponse{
		BlockResponse: &bcproto.BlockResponse{Block: wire, ExtCommit: commit.ToProto()},
	}}
	fits(t, "a block with its extended commit", proto.Size(message), capacity(&blocksync.Reactor{}))

	// The block store keeps it and gives it back; a node that restarts rebuilds its votes from that.
	kept := store.NewBlockStore(dbm.NewMemDB())
	kept.SaveBlockWithExtendedCommit(made, parts, commit)
	back := kept.LoadBlockExtendedCommit(1)
	if back.Size() != validators || len(back.ExtendedSignatures[0].Extension) != largest {
		t.Fatalf("kept %d votes", back.Size())
	}
	if votes := back.ToExtendedVoteSet(chainID, set); !votes.HasTwoThirdsMajority() {
		t.Fatal("the votes that were kept make no commit")
	}
}

func TestTheProposerGetsAHundredLargestExtensionsInOneMessage(t *testing.T) {
	_, _, id := fullBlock(t)
	set, commit := extended(t, 1, id, largest)
	request := &abci.RequestPrepareProposal{MaxTxBytes: block, Height: 2}
	for i, vote := range commit.ExtendedSignatures {
		request.LocalLastCommit.Votes = append(request.LocalLastCommit.Votes, abci.ExtendedVoteInfo{
			Validator:          types.TM2PB.Validator(set.Validators[i]),
			VoteExtension:      vote.Extension,
			ExtensionSignature: vote.ExtensionSignature,
		})
	}
	// The whole mempool comes with them.
	fits(t, "extensions for the proposer", proto.Size(request), abciMessage-mempool)
}

func TestEvidenceOfTwoLargestVotesFitsItsChannel(t *testing.T) {
	_, _, id := fullBlock(t)
	set, keys := committee(t)
	first := signed(t, set, keys[0], 0, 1, id, largest)
	other := types.BlockID{Hash: make([]byte, 32), PartSetHeader: types.PartSetHeader{Total: 1, Hash: make([]byte, 32)}}
	second := signed(t, set, keys[0], 0, 1, other, largest)
	double, err := types.NewDuplicateVoteEvidence(first, second, time.Now(), set)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := types.EvidenceToProto(double)
	if err != nil {
		t.Fatal(err)
	}
	list := &cmtproto.EvidenceList{Evidence: []cmtproto.Evidence{*wire}}
	fits(t, "evidence", proto.Size(list), capacity(&evidence.Reactor{}))
}

// A remote signer on a real socket, as tmkms is one.
func remoteSigner(t *testing.T) (*privval.SignerClient, *types.ValidatorSet) {
	t.Helper()
	set, keys := committee(t)
	socket := filepath.Join(t.TempDir(), "signer.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := privval.NewSignerListenerEndpoint(log.NewNopLogger(), privval.NewUnixListener(listener))
	dialer := privval.NewSignerDialerEndpoint(log.NewNopLogger(), privval.DialUnixFn(socket))
	server := privval.NewSignerServer(dialer, chainID, keys[0])
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	client, err := privval.NewSignerClient(endpoint, chainID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.WaitForConnection(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	return client, set
}

func TestARemoteSignerSignsTheLargestExtension(t *testing.T) {
	client, set := remoteSigner(t)
	_, _, id := fullBlock(t)
	vote := signed(t, set, client, 0, 1, id, largest)
	public, err := client.GetPubKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := vote.VerifyVoteAndExtension(chainID, public); err != nil {
		t.Fatal(err)
	}
}

func TestARemoteSignerRefusesMuchMore(t *testing.T) {
	client, set := remoteSigner(t)
	_, _, id := fullBlock(t)
	vote := &types.Vote{
		Type:             cmtproto.PrecommitType,
		Height:           1,
		BlockID:          id,
		Timestamp:        time.Now(),
		ValidatorAddress: set.Validators[0].Address,
		Extension:        make([]byte, largest+5*share),
	}
	err := client.SignVote(chainID, vote.ToProto())
	if err == nil || strings.Contains(err.Error(), "signature") {
		t.Fatalf("a message above 10 KiB was taken: %v", err)
	}
}
