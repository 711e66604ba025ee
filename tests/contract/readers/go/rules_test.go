package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

type stored struct {
	Partition  int32
	Offset     int64
	Key, Value []byte
	Headers    [][2]*string
}

func (s stored) record() *kgo.Record {
	r := &kgo.Record{Partition: s.Partition, Offset: s.Offset, Key: s.Key, Value: s.Value}
	for _, header := range s.Headers {
		var value []byte
		if header[1] != nil {
			value, _ = base64.StdEncoding.DecodeString(*header[1])
		}
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: *header[0], Value: value})
	}
	return r
}

func load(t *testing.T, name string, into any) {
	content, err := os.ReadFile(os.Getenv("GOLDEN") + "/" + name)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestEnvelopes(t *testing.T) {
	var vectors struct {
		Log     manifest
		Records []struct {
			Name, Digest string
			Foreign      *string
			Record       stored
		}
	}
	load(t, "envelopes.json", &vectors)
	for _, v := range vectors.Records {
		t.Run(v.Name, func(t *testing.T) {
			e, isOurs := read(v.Record.record(), vectors.Log.Count)
			if isOurs != (v.Foreign == nil) || isOurs && e.digest != v.Digest {
				t.Fatal(isOurs, e.digest)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	type headVector struct {
		Height    int64
		Digest    string
		StoppedBy string `json:"stopped_by"`
	}
	var vectors struct {
		Log       manifest
		Scenarios []struct {
			Name    string
			Records []struct {
				Record                  stored
				Stream, Digest, Verdict string
				Base                    headVector
				HeadAfter               headVector `json:"head_after"`
			}
		}
	}
	load(t, "verdicts.json", &vectors)
	for _, scenario := range vectors.Scenarios {
		t.Run(scenario.Name, func(t *testing.T) {
			heads := map[string]head{}
			for i, v := range scenario.Records {
				e, isOurs := read(v.Record.record(), vectors.Log.Count)
				before, isKnown := heads[e.stream]
				if !isKnown {
					before = head{0, vectors.Log.LogID, ""}
				}
				verdict, after := judge(e, before)
				heads[e.stream] = after
				if !isOurs || e.stream != v.Stream || e.digest != v.Digest || verdict != v.Verdict ||
					e.baseHeight != v.Base.Height || e.baseDigest != v.Base.Digest || after != (head{v.HeadAfter.Height, v.HeadAfter.Digest, v.HeadAfter.StoppedBy}) {
					t.Fatal(i, verdict, e, after)
				}
			}
		})
	}
}

func TestPartitions(t *testing.T) {
	var vectors struct {
		Keys []struct {
			Key        []byte
			Partitions map[string]int
		}
	}
	load(t, "partitions.json", &vectors)
	for _, v := range vectors.Keys {
		for count, partition := range v.Partitions {
			n, _ := strconv.Atoi(count)
			if found := partitioner.Partition(&kgo.Record{Key: v.Key}, n); found != partition {
				t.Errorf("%q of %d: %d", v.Key, n, found)
			}
		}
	}
}
