// What one account is, if its operations happen one after the other: the specification that a history is held against.
package main

import (
	"fmt"
	"hash/fnv"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Operation is one line of the history: what was asked, and what was told.
type Operation struct {
	Object    string   `json:"object"` // histories of different objects are checked apart
	Client    int      `json:"client"`
	Call      int64    `json:"call"`   // ns
	Return    int64    `json:"return"` // ns
	Kind      string   `json:"kind"`   // create, change, assign, read, conflict, taken, look_up
	Assistant string   `json:"assistant"`
	Version   int      `json:"version"`  // told
	Name      string   `json:"name"`     // told
	Numbers   []string `json:"numbers"`  // told
	Asked     []string `json:"asked"`    // the numbers asked for
	IfMatch   int      `json:"if_match"` // of a conflict: the version that was demanded
	Number    string   `json:"number"`   // of a look-up
}

type assistant struct {
	version int
	name    string
	numbers string // sorted, a space between
}

// account is never changed, but copied.
type account struct {
	assistants map[string]assistant
	holders    map[string]string // number -> assistant
	hash       uint64
}

func specification(versions bool) porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return &account{} },
		Step: func(state, input, _ interface{}) (bool, interface{}) {
			return step(state.(*account), input.(*Operation), versions)
		},
		Equal: func(one, other interface{}) bool { return equal(one.(*account), other.(*account)) },
		Hash:  func(state interface{}) uint64 { return state.(*account).hash },
		DescribeOperation: func(input, _ interface{}) string {
			o := input.(*Operation)
			return fmt.Sprintf("%s %s v%d %q asked %v told %v", o.Kind, o.Assistant, o.Version, o.Name, o.Asked, o.Numbers)
		},
	}
}

// step says whether the operation may have been the next one; versions is false where only look-ups are told.
func step(before *account, o *Operation, versions bool) (bool, *account) {
	if o.Kind == "look_up" {
		return before.holders[o.Number] == o.Assistant, before
	}
	now, exists := before.assistants[o.Assistant]
	switch o.Kind {
	case "create":
		return !exists && o.Version == 1, before.with(o.Assistant, assistant{1, o.Name, ""})
	case "change":
		next := assistant{now.version + 1, o.Name, now.numbers}
		return exists && next.version == o.Version && next.numbers == sorted(o.Numbers), before.with(o.Assistant, next)
	case "read":
		return exists && now == assistant{o.Version, o.Name, sorted(o.Numbers)}, before
	case "conflict":
		return exists && now.version != o.IfMatch, before
	case "taken":
		for _, number := range o.Asked {
			if holder := before.holders[number]; holder != "" && holder != o.Assistant {
				return true, before
			}
		}
		return false, before
	case "assign":
		return before.assign(o, now, versions)
	}
	panic("an operation of kind " + o.Kind)
}

func (before *account) assign(o *Operation, now assistant, versions bool) (bool, *account) {
	wanted := sorted(o.Asked)
	if versions && (now.version == 0 || wanted != sorted(o.Numbers)) {
		return false, before
	}
	if now.numbers == wanted && (!versions || now.version == o.Version) {
		return true, before
	}
	after := before.with(o.Assistant, assistant{now.version + 1, now.name, wanted})
	for _, number := range o.Asked {
		if holder := before.holders[number]; holder != "" && holder != o.Assistant {
			loser := after.assistants[holder]
			kept := []string{}
			for _, held := range strings.Fields(loser.numbers) {
				if !contains(o.Asked, held) {
					kept = append(kept, held)
				}
			}
			if sorted(kept) != loser.numbers { // else it has lost another one with this already
				after = after.with(holder, assistant{loser.version + 1, loser.name, sorted(kept)})
			}
		}
	}
	return !versions || after.assistants[o.Assistant].version == o.Version, after
}

func (before *account) with(id string, next assistant) *account {
	after := &account{map[string]assistant{}, map[string]string{}, before.hash}
	for key, value := range before.assistants {
		after.assistants[key] = value
	}
	for number, holder := range before.holders {
		if holder != id {
			after.holders[number] = holder
		}
	}
	for _, number := range strings.Fields(next.numbers) {
		after.holders[number] = id
	}
	if old, exists := before.assistants[id]; exists {
		after.hash ^= hashed(id, old)
	}
	after.hash ^= hashed(id, next)
	after.assistants[id] = next
	return after
}

func equal(one, other *account) bool {
	if one.hash != other.hash || len(one.assistants) != len(other.assistants) {
		return false
	}
	for id, value := range one.assistants {
		if other.assistants[id] != value {
			return false
		}
	}
	return true
}

func hashed(id string, a assistant) uint64 {
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%s %d %s %s", id, a.version, a.name, a.numbers)
	return sum.Sum64()
}

func sorted(numbers []string) string {
	copied := append([]string{}, numbers...)
	sort.Strings(copied)
	return strings.Join(copied, " ")
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
