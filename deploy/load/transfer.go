package main

import (
	"strings"

	"github.com/cometbft/cometbft/crypto/secp256k1"
	"google.golang.org/protobuf/encoding/protowire"
)

// What all transfers have in common.
type terms struct {
	ChainID string `json:"chain_id"`
	Denom   string `json:"denom"`
	Gas     uint64 `json:"gas"`
	Fee     string `json:"fee"`
}

// One transfer of 1 unit.
type transfer struct {
	key              secp256k1.PrivKey
	public           []byte
	from, to         string
	number, sequence uint64
	memo             string
}

func number(to []byte, field protowire.Number, value uint64) []byte {
	if value == 0 {
		return to
	}
	return protowire.AppendVarint(protowire.AppendTag(to, field, protowire.VarintType), value)
}

func bytes(to []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), value)
}

func text(to []byte, field protowire.Number, value string) []byte {
	return bytes(to, field, []byte(value))
}

// google.protobuf.Any
func packed(typeURL string, value []byte) []byte {
	return bytes(text(nil, 1, typeURL), 2, value)
}

// cosmos.base.v1beta1.Coin
func coin(denom, amount string) []byte {
	return text(text(nil, 1, denom), 2, amount)
}

// cosmos.tx.v1beta1.TxBody with one cosmos.bank.v1beta1.MsgSend
func (t *transfer) body(terms *terms) []byte {
	send := text(text(nil, 1, t.from), 2, t.to)
	send = bytes(send, 3, coin(terms.Denom, "1"))
	body := bytes(nil, 1, packed("/cosmos.bank.v1beta1.MsgSend", send))
	return text(body, 2, t.memo)
}

// cosmos.tx.v1beta1.AuthInfo with one signer in SIGN_MODE_DIRECT
func (t *transfer) authInfo(terms *terms) []byte {
	public := bytes(nil, 1, t.public)
	signer := bytes(nil, 1, packed("/cosmos.crypto.secp256k1.PubKey", public))
	signer = bytes(signer, 2, bytes(nil, 1, number(nil, 1, 1)))
	signer = number(signer, 3, t.sequence)
	fee := number(bytes(nil, 1, coin(terms.Denom, terms.Fee)), 2, terms.Gas)
	return bytes(bytes(nil, 1, signer), 2, fee)
}

// Signs, as cosmos.tx.v1beta1.TxRaw.
func (t *transfer) sign(terms *terms) ([]byte, error) {
	body, auth := t.body(terms), t.authInfo(terms)
	document := text(bytes(bytes(nil, 1, body), 2, auth), 3, terms.ChainID)
	signature, err := t.key.Sign(number(document, 4, t.number))
	if err != nil {
		return nil, err
	}
	return bytes(bytes(bytes(nil, 1, body), 2, auth), 3, signature), nil
}

// Signs with the memo made longer until the transaction has this many bytes; a length field that grows on the
// way can make it a byte shorter.
func (t *transfer) signPadded(terms *terms, size int) ([]byte, error) {
	const signature = 64 + 2
	memo := t.memo
	for range 3 {
		body, auth := t.body(terms), t.authInfo(terms)
		now := protowire.SizeBytes(len(body)) + protowire.SizeBytes(len(auth)) + 2 + signature
		short := size - now
		if short == 0 || len(t.memo)+short < len(memo) {
			break
		}
		t.memo = memo + strings.Repeat(".", len(t.memo)-len(memo)+short)
	}
	return t.sign(terms)
}
