package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const accountType = "/cosmos.auth.v1beta1.Query/Account"

// How long an account's transfers may be in no block before the first of them counts as refused.
const patience = 5 * time.Second

// The tool does not look at answers. A mempool that refuses one transfer refuses all later ones of its account, so
// an account that has made no progress starts again from the chain's sequence.
func follow(plan *plan) {
	for {
		time.Sleep(patience)
		for _, account := range plan.Accounts {
			if committed, err := sequence(plan.RPC, account.Address); err == nil {
				account.at(committed)
			}
		}
	}
}

func (a *account) at(committed uint64) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if committed == a.committed {
		a.Sequence = committed
	}
	a.committed = committed
}

// The committed sequence of an account.
func sequence(rpc, address string) (uint64, error) {
	query := url.Values{
		"path": {quoted(accountType)},
		"data": {"0x" + hex.EncodeToString(text(nil, 1, address))},
	}
	reply, err := http.Get(rpc + "/abci_query?" + query.Encode())
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	var answer struct {
		Result struct {
			Response struct {
				Value string `json:"value"`
			} `json:"response"`
		} `json:"result"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		return 0, err
	}
	value, err := base64.StdEncoding.DecodeString(answer.Result.Response.Value)
	if err != nil {
		return 0, err
	}
	// QueryAccountResponse.account, an Any of a BaseAccount.
	_, value = field(value, 1)
	_, value = field(value, 2)
	if value == nil {
		return 0, fmt.Errorf("there is no account %s", address)
	}
	sequence, _ := field(value, 4)
	return sequence, nil
}

func quoted(text string) string {
	return `"` + text + `"`
}

// A field of a message: its number or its bytes; nothing when it is not there.
func field(message []byte, wanted protowire.Number) (uint64, []byte) {
	for len(message) > 0 {
		at, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return 0, nil
		}
		message = message[size:]
		if at == wanted && kind == protowire.VarintType {
			value, _ := protowire.ConsumeVarint(message)
			return value, nil
		}
		if at == wanted && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			return 0, value
		}
		size = protowire.ConsumeFieldValue(at, kind, message)
		if size < 0 {
			return 0, nil
		}
		message = message[size:]
	}
	return 0, nil
}
