package main

import (
	_ "github.com/cometbft/cometbft/light"
	_ "github.com/cometbft/cometbft/light/provider/http"
	_ "github.com/cometbft/cometbft/light/rpc"
	_ "github.com/cometbft/cometbft/light/store/db"
	_ "github.com/cometbft/cometbft-db"
	_ "github.com/cosmos/ics23/go"
)

func main() {}
