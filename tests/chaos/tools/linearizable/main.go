// Command linearizable says which objects of a history are not linearizable.
//
//	linearizable HISTORY PICTURES SECONDS
//
// HISTORY has a line of JSON for each operation. For each object that fails, a line is printed, and a picture is left in
// the folder PICTURES. The exit code is 1 if one failed, or could not be decided within SECONDS.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

func main() {
	seconds, err := strconv.Atoi(os.Args[3])
	check(err)
	histories := read(os.Args[1])
	objects := make([]string, 0, len(histories))
	for object := range histories {
		objects = append(objects, object)
	}
	sort.Strings(objects)
	failed := false
	for _, object := range objects {
		model := specification(!strings.HasPrefix(object, "routing "))
		result := porcupine.CheckOperationsTimeout(model, histories[object], time.Duration(seconds)*time.Second)
		if result == porcupine.Ok {
			continue
		}
		failed = true
		picture := filepath.Join(os.Args[2], strings.ReplaceAll(object, " ", "-")+".html")
		_, info := porcupine.CheckOperationsVerbose(model, histories[object], time.Duration(seconds)*time.Second)
		check(porcupine.VisualizePath(model, info, picture))
		fmt.Printf("%s: %s, of %d operations; see %s\n", object, verdict(result), len(histories[object]), picture)
	}
	if failed {
		os.Exit(1)
	}
}

func read(path string) map[string][]porcupine.Operation {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	histories := map[string][]porcupine.Operation{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		o := &Operation{}
		check(json.Unmarshal(lines.Bytes(), o))
		histories[o.Object] = append(histories[o.Object], porcupine.Operation{
			ClientId: o.Client, Input: o, Output: o, Call: o.Call, Return: o.Return,
		})
	}
	check(lines.Err())
	return histories
}

func verdict(result porcupine.CheckResult) string {
	if result == porcupine.Unknown {
		return "not decided in time"
	}
	return "not linearizable"
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
