// Command reader follows a log of Patchbay to its end, as docs/subscribing.md says, and prints what it makes of it.
//
//	reader SCHEMAS BROKER TOPIC
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

func init() {
	for _, group := range []map[string]string{required, optional} {
		for name, shape := range group {
			shapes[name] = regexp.MustCompile("^(" + shape + ")$")
		}
	}
}

func main() {
	files, err := filepath.Glob(os.Args[1] + "/*.json")
	must(err)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		schemas["urn:patchbay:"+strings.Replace(name, ".v", ":", 1)] = jsonschema.MustCompile(file)
	}
	follow(os.Args[2], os.Args[3])
	fmt.Println(strings.Join(lines(), "\n"))
}

// follow reads every partition from offset 0 to where it ends now.
func follow(broker, topic string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().At(0)), kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	must(err)
	defer client.Close()
	for ended := map[int32]bool{}; log.Count == 0 || len(ended) < log.Count; {
		fetches := client.PollFetches(context.Background())
		must(fetches.Err())
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, record := range p.Records {
				if !record.Attrs.IsControl() {
					take(record)
				}
				if record.Offset+1 >= p.HighWatermark {
					ended[p.Partition] = true
				}
			}
		})
	}
}

// lines returns all that was made of the log: JSON arrays without spaces, sorted by their bytes, "" as null.
func lines() (rows []string) {
	add := func(row ...any) {
		line, err := json.Marshal(row)
		must(err)
		rows = append(rows, strings.ReplaceAll(string(line), `""`, "null"))
	}
	for id, n := range numbers {
		add("number", id, n[0], n[1], n[2], n[3], n[4])
		by, outcome := held[[2]string{n[1], id}], "inbound_disabled"
		if by[1] != n[2] {
			by[0], outcome = "", "unassigned"
		}
		if n[3] != "active" {
			outcome = "suspended"
		} else if answering[[2]string{n[1], by[0]}] {
			outcome, n[4] = "routed", ""
		}
		if n[1] != "" {
			add("inbound", n[0], n[1], by[0], outcome, n[4])
		}
	}
	for number, by := range held {
		add("assignment", number[0], number[1], by[0], by[1])
	}
	for assistant, isEnabled := range answering {
		if isEnabled {
			add("answering", assistant[0], assistant[1])
		}
	}
	for stream, h := range heads {
		add("head", stream, fmt.Sprint(h.height), h.digest, h.stoppedBy)
	}
	for stream, height := range quarantine {
		add("quarantine", stream, fmt.Sprint(height))
	}
	for verdict, count := range counts {
		add("verdict", verdict, count)
	}
	sort.Strings(rows)
	return rows
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
