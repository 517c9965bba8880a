// Load sends signed transfers to nodes with CometBFT's load tool, at a fixed rate over WebSockets.
//
// The accounts that send come from the file that RACE_LOAD_ACCOUNTS names; all other settings are the tool's
// flags (`load --help`). node/examples/load.rs makes the file, starts this program and reads what came of it from the
// blocks.
package main

import (
	"github.com/informalsystems/tm-load-test/pkg/loadtest"
)

func main() {
	if err := loadtest.RegisterClientFactory("race", &factory{}); err != nil {
		panic(err)
	}
	loadtest.Run(&loadtest.CLIConfig{
		AppName:              "load",
		AppShortDesc:         "Sends transfers to a Race network.",
		AppLongDesc:          "Sends transfers, padded to a size, from the accounts in the file RACE_LOAD_ACCOUNTS.",
		DefaultClientFactory: "race",
	})
}
