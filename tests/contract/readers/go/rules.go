package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

type event struct {
	stream, typ, schema, affects, predecessor, digest, baseDigest, mends string
	height, baseHeight                                                   int64
	value                                                                []byte
}
type head struct {
	height            int64
	digest, stoppedBy string
}
type manifest struct {
	LogID       string `json:"log_id"`
	Count       int    `json:"partition_count"`
	Partition   int32  `json:"partition"`
	RuleVersion int    `json:"rule_version"`
}

const hash, full, text = `[0-9a-f]{64}`, `[^\x00-\x1f\x7f]+`, `[^\x00-\x1f\x7f]*`

var ( // what headers must look like: these must be there, those may be
	required = map[string]string{"ce_specversion": `1\.0`, "ce_id": full, "ce_type": full, "ce_source": full, "ce_sequence": `\d{20}`,
		"ce_time": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`, "ce_partitionkey": `[!-~]{1,128}`, "ce_predecessor": hash, "ce_digest": hash}
	optional = map[string]string{"ce_subject": text, "ce_dataschema": text, "ce_actor": text, "ce_reason": text, "ce_commandid": hash,
		"ce_requestdigest": hash, "ce_mends": hash, "ce_base": `(0|[1-9]\d{0,18}):` + hash, "ce_affects": `[a-z]+(,[a-z]+)*`}
	shapes      = map[string]*regexp.Regexp{}
	isName      = regexp.MustCompile(`^ce_[a-z0-9]{1,20}$`).MatchString
	partitioner = kgo.StickyKeyPartitioner(nil).ForTopic("") // Kafka's default
	schemas     = map[string]*jsonschema.Schema{}            // by URN

	log        manifest
	heads      = map[string]head{}
	quarantine = map[string]int64{} // stream: the height from which on it is not folded
	counts     = map[string]int{"accepted": 0, "broken": 0, "foreign": 0, "void": 0}
	numbers    = map[string][5]string{}    // id: phone number, account ("" where released), registration, status, fallback
	held       = map[[2]string][2]string{} // account and number id: assistant, registration
	answering  = map[[2]string]bool{}      // account and assistant
)

// read returns the event in a record, and whether there is one: the record is foreign if not.
func read(r *kgo.Record, partitions int) (e event, isOurs bool) {
	h, covered := map[string][]byte{}, []string{}
	for _, header := range r.Headers {
		_, isTwice := h[header.Key]
		isCovered := strings.HasPrefix(header.Key, "ce_") && header.Key != "ce_digest"
		if isTwice || isCovered && (header.Value == nil || !isName(header.Key)) {
			return e, false
		} else if h[header.Key] = header.Value; isCovered {
			covered = append(covered, header.Key)
		}
	}
	for name, shape := range shapes {
		content, there := h[name]
		if (there || required[name] != "") && !(shape.Match(content) && utf8.Valid(content)) {
			return e, false
		}
	}
	height, err1 := strconv.ParseInt(string(h["ce_sequence"]), 10, 64)
	at, err2 := time.Parse("2006-01-02T15:04:05.000000Z", string(h["ce_time"]))
	base := []string{strconv.FormatInt(height-1, 10), string(h["ce_predecessor"])}
	if h["ce_base"] != nil {
		base = strings.Split(string(h["ce_base"]), ":")
	}
	baseHeight, err3 := strconv.ParseInt(base[0], 10, 64)
	e = event{string(r.Key), string(h["ce_type"]), string(h["ce_dataschema"]), string(h["ce_affects"]), string(h["ce_predecessor"]),
		digestOf(r, h, covered), base[1], string(h["ce_mends"]), height, baseHeight, r.Value}
	return e, r.Offset > 0 && e.stream != "manifest" && r.Value != nil && h["content-type"] != nil && at.Year() > 0 && height > 0 && baseHeight < height &&
		err1 == nil && err2 == nil && err3 == nil && bytes.Equal(h["ce_partitionkey"], r.Key) && string(h["ce_digest"]) == e.digest &&
		partitioner.Partition(r, partitions) == int(r.Partition)
}

func digestOf(r *kgo.Record, h map[string][]byte, covered []string) string {
	sum := sha256.New()
	size := func(n int) { sum.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	piece := func(content []byte) { size(len(content)); sum.Write(content) }
	sum.Write([]byte{1})
	piece(r.Key)
	size(len(covered))
	sort.Strings(covered)
	for _, name := range covered {
		piece([]byte(name))
		piece(h[name])
	}
	piece(h["content-type"])
	piece(r.Value)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// judge returns the verdict on an event, and the stream's head after it.
func judge(e event, h head) (string, head) {
	onHead := e.height == h.height+1 && e.predecessor == h.digest
	if onHead && (h.stoppedBy == "" || e.mends == h.stoppedBy) {
		return "accepted", head{e.height, e.digest, ""}
	} else if h.stoppedBy != "" {
		return "broken", h
	} else if e.baseHeight > h.height || e.baseHeight == h.height && e.baseDigest != h.digest {
		return "broken", head{h.height, h.digest, e.digest}
	}
	return "void", h
}

func take(r *kgo.Record) {
	if r.Offset == 0 {
		before := log
		must(json.Unmarshal(r.Value, &log))
		before.RuleVersion, before.Partition = 1, r.Partition
		if string(r.Key) != "manifest" || log != before && before.Count > 0 {
			panic("not the manifest of this log")
		}
	}
	e, isOurs := read(r, log.Count)
	before, isKnown := heads[e.stream]
	if !isKnown {
		before = head{0, log.LogID, ""}
	}
	if !isOurs {
		counts["foreign"]++
	} else if verdict, after := judge(e, before); true {
		if counts[verdict]++; verdict != "void" {
			heads[e.stream] = after
		}
		if _, isBlocked := quarantine[e.stream]; verdict == "accepted" && !isBlocked && !fold(e) {
			quarantine[e.stream] = e.height
		}
	}
}

// fold takes over what an accepted event says about routing; false where it cannot be understood.
func fold(e event) bool {
	var d map[string]any
	decoder := json.NewDecoder(bytes.NewReader(e.value))
	decoder.UseNumber()
	schema := schemas[e.schema]
	if !strings.Contains(","+e.affects+",", ",routing,") {
		return true
	} else if schema == nil || !strings.HasPrefix(e.schema, "urn:patchbay:"+e.typ+":") || !utf8.Valid(e.value) ||
		!json.Valid(e.value) || decoder.Decode(&d) != nil || schema.Validate(d) != nil {
		return false
	}
	assistant := [2]string{e.stream, fmt.Sprint(d["assistant_id"])}
	switch e.typ {
	case "NumberRegistered", "NumberReleased", "NumberUpdated":
		n, isKnown := numbers[e.stream]
		if d["number_id"] != e.stream {
			return false
		} else if e.typ == "NumberRegistered" {
			n = [5]string{d["phone_number"].(string), d["account_id"].(string), fmt.Sprint(e.height), "active", ""}
		} else if e.typ == "NumberReleased" {
			n = [5]string{n[0], "", n[2], "active", ""}
		} else if status, isTold := d["status"].(string); isTold {
			n[3] = status
		}
		if fallback, isTold := d["fallback"]; isTold && e.typ == "NumberUpdated" {
			n[4], _ = fallback.(string)
		}
		if isKnown || e.typ == "NumberRegistered" {
			numbers[e.stream] = n
		}
	case "NumbersAssigned", "AssistantCreated", "AssistantUpdated", "AssistantDeleted":
		if !strings.HasPrefix(e.stream, "acct_") || e.typ == "AssistantCreated" && d["account_id"] != e.stream {
			return false
		} else if e.typ == "AssistantDeleted" {
			delete(answering, assistant)
			assign(assistant, nil)
		} else if enabled, isTold := d["inbound_enabled"].(bool); isTold && e.typ != "NumbersAssigned" {
			answering[assistant] = enabled
		} else if e.typ == "NumbersAssigned" {
			assign(assistant, d["numbers"].([]any))
		}
	}
	return true
}

// assign gives an assistant its whole new list of numbers, and takes these from whoever held them.
func assign(assistant [2]string, list []any) {
	for number, by := range held {
		if number[0] == assistant[0] && by[0] == assistant[1] {
			delete(held, number)
		}
	}
	for _, each := range list {
		n := each.(map[string]any)
		held[[2]string{assistant[0], n["number_id"].(string)}] = [2]string{assistant[1], fmt.Sprint(n["registration"])}
	}
}
