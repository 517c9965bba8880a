package main

import (
	"testing"

	"github.com/cometbft/cometbft/crypto/secp256k1"
)

func TestATransferHasExactlyTheSizeThatWasAskedFor(t *testing.T) {
	terms := &terms{ChainID: "race-local-1", Denom: "nicoin", Gas: 100_000, Fee: "2000"}
	key := secp256k1.GenPrivKeySecp256k1([]byte("a"))
	for size := 400; size <= 1100; size++ {
		for _, sequence := range []uint64{0, 1, 127, 128, 70_000} {
			transfer := transfer{key: key, public: key.PubKey().Bytes(), from: "race1from", to: "race1to",
				number: 7, sequence: sequence, memo: "1790000000000000000"}
			signed, err := transfer.signPadded(terms, size)
			if err != nil {
				t.Fatal(err)
			}
			// A length that takes two bytes instead of one can leave no memo that fits.
			if len(signed) != size && len(signed) != size-1 && len(signed) != size-2 {
				t.Fatalf("asked for %d bytes, got %d", size, len(signed))
			}
		}
	}
}
