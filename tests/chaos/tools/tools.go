//go:build tools

// Package tools names the programs that a run needs beside its own, so that go.mod and go.sum pin them.
package tools

import _ "github.com/Shopify/toxiproxy/v2/cmd/server"
