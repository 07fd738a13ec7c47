package numbering

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp/syntax"
	"slices"
)

// set is a set of patterns, one bit each.
type set uint16

// maxPatterns is how many patterns a set can hold.
const maxPatterns = 16

// automaton is a deterministic finite automaton over the digits 0 to 9 that
// knows which of its patterns match.
type automaton struct {
	// next holds, for each state, the state after each digit.
	next [][10]uint16
	// start is the state where reading begins.
	start uint16
	// accepted are, for each state, the patterns that match what was read.
	accepted []set
}

// dead is the state that is never left again.
const dead = 0

// match returns the patterns that match all of a text of ASCII digits.
func (a *automaton) match(digits string) set {
	state := a.start
	for i := range len(digits) {
		state = a.next[state][digits[i]-'0']
	}
	return a.accepted[state]
}

// matchPrefix returns the patterns that match a beginning of a text of ASCII
// digits, even if it is empty.
func (a *automaton) matchPrefix(digits string) set {
	state := a.start
	matched := a.accepted[state]
	for i := 0; i < len(digits) && state != dead; i++ {
		state = a.next[state][digits[i]-'0']
		matched |= a.accepted[state]
	}
	return matched
}

// compile makes an automaton of patterns, by the construction of subsets.
func compile(patterns []string) (*automaton, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("%d patterns are more than %d", len(patterns), maxPatterns)
	}
	c := compiler{
		automaton: &automaton{next: make([][10]uint16, 1), accepted: make([]set, 1)},
		members:   make([][]thread, 1),
		states:    map[string]uint16{"": dead},
	}
	var first []thread
	for i, pattern := range patterns {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("parsing a pattern: %w", err)
		}
		program, err := syntax.Compile(parsed.Simplify())
		if err != nil {
			return nil, fmt.Errorf("compiling a pattern: %w", err)
		}
		c.programs = append(c.programs, program)
		if first, err = c.reach(first, thread{uint16(i), uint32(program.Start)}); err != nil {
			return nil, err
		}
	}
	start, err := c.state(first)
	if err != nil {
		return nil, err
	}
	c.start = start
	for state := 1; state < len(c.members); state++ {
		if err := c.follow(uint16(state)); err != nil {
			return nil, err
		}
	}
	return c.automaton, nil
}

// thread is a place in the program of one pattern.
type thread struct {
	pattern uint16
	pc      uint32
}

// compiler is an automaton in the making.
type compiler struct {
	*automaton
	programs []*syntax.Prog
	members  [][]thread        // of each state, sorted; none of the dead one
	states   map[string]uint16 // by members
}

// follow fills in the states after a state.
func (c *compiler) follow(state uint16) error {
	for digit := range 10 {
		var after []thread
		for _, t := range c.members[state] {
			inst := &c.programs[t.pattern].Inst[t.pc]
			if inst.Op == syntax.InstMatch || !inst.MatchRune(rune('0'+digit)) {
				continue
			}
			var err error
			if after, err = c.reach(after, thread{t.pattern, inst.Out}); err != nil {
				return err
			}
		}
		next, err := c.state(after)
		if err != nil {
			return err
		}
		c.next[state][digit] = next
	}
	return nil
}

// reach adds to threads where t gets without reading anything.
func (c *compiler) reach(threads []thread, t thread) ([]thread, error) {
	inst := &c.programs[t.pattern].Inst[t.pc]
	switch inst.Op {
	case syntax.InstFail:
		return threads, nil
	case syntax.InstAlt, syntax.InstAltMatch:
		threads, err := c.reach(threads, thread{t.pattern, inst.Out})
		if err != nil {
			return nil, err
		}
		return c.reach(threads, thread{t.pattern, inst.Arg})
	case syntax.InstNop, syntax.InstCapture:
		return c.reach(threads, thread{t.pattern, inst.Out})
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL, syntax.InstMatch:
		if !slices.Contains(threads, t) {
			threads = append(threads, t)
		}
		return threads, nil
	default: // anchors and word boundaries
		return nil, fmt.Errorf("a pattern holds %v, which is none of digits", inst.Op)
	}
}

// state returns the state of these threads, which is a new one if there is none
// yet.
func (c *compiler) state(threads []thread) (uint16, error) {
	slices.SortFunc(threads, func(a, b thread) int {
		return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(a.pc, b.pc))
	})
	var key []byte
	for _, t := range threads {
		key = binary.LittleEndian.AppendUint16(key, t.pattern)
		key = binary.LittleEndian.AppendUint32(key, t.pc)
	}
	if state, ok := c.states[string(key)]; ok {
		return state, nil
	}
	if len(c.next) > math.MaxUint16 {
		return dead, errors.New("the patterns need too many states")
	}
	state := uint16(len(c.next))
	var accepted set
	for _, t := range threads {
		if c.programs[t.pattern].Inst[t.pc].Op == syntax.InstMatch {
			accepted |= 1 << t.pattern
		}
	}
	c.states[string(key)] = state
	c.members = append(c.members, threads)
	c.next = append(c.next, [10]uint16{})
	c.accepted = append(c.accepted, accepted)
	return state, nil
}
