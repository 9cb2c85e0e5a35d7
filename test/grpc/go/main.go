// A peer of Tenon's gRPC transport on grpc-go: `peer serve` listens and prints its port, `peer call ADDRESS` makes
// one call of every kind and prints how each went, as one JSON object a line.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "call":
		err = callAll(os.Args[2])
	default:
		err = fmt.Errorf("expected: peer serve, or peer call ADDRESS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
