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
	states []state
	// start is the state where reading begins.
	start uint16
}

// state is a state of an automaton.
type state struct {
	// next is the state after each digit.
	next [10]uint16
	// accepted are the patterns that match what was read.
	accepted set
}

// dead is the state that is never left again, and that of a text with other
// characters than digits.
const dead = 0

// match returns the patterns that match all of a text of ASCII digits.
func (a *automaton) match(digits string) set {
	at := a.start
	for i := 0; i < len(digits) && at != dead; i++ {
		at = a.after(at, digits[i])
	}
	return a.states[at].accepted
}

// matchPrefix returns the patterns that match a beginning of a text of ASCII
// digits, even if it is empty.
func (a *automaton) matchPrefix(digits string) set {
	at := a.start
	matched := a.states[at].accepted
	for i := 0; i < len(digits) && at != dead; i++ {
		at = a.after(at, digits[i])
		matched |= a.states[at].accepted
	}
	return matched
}

// after returns the state after a digit, in ASCII.
func (a *automaton) after(at uint16, digit byte) uint16 {
	if digit -= '0'; digit > 9 {
		return dead
	}
	return a.states[at].next[digit]
}

// compile makes an automaton of patterns, by the construction of subsets.
func compile(patterns []string) (*automaton, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("%d patterns are more than %d", len(patterns), maxPatterns)
	}
	c := compiler{
		automaton: &automaton{states: make([]state, 1)},
		numbers:   map[string]uint16{"": dead},
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
	var err error
	c.start, err = c.state(first)
	return c.automaton, err
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
	numbers  map[string]uint16 // of states, by their threads
}

// follow fills in the states after a state of these threads.
func (c *compiler) follow(at uint16, threads []thread) error {
	for digit := range 10 {
		var after []thread
		for _, t := range threads {
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
		c.states[at].next[digit] = next
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

// state returns the number of the state of these threads, which is a new one if there
// is none yet. States that are read one after the other are numbered so as far as can
// be, because those that are close together are faster to read.
func (c *compiler) state(threads []thread) (uint16, error) {
	slices.SortFunc(threads, func(a, b thread) int {
		return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(a.pc, b.pc))
	})
	var key []byte
	for _, t := range threads {
		key = binary.LittleEndian.AppendUint16(key, t.pattern)
		key = binary.LittleEndian.AppendUint32(key, t.pc)
	}
	if number, ok := c.numbers[string(key)]; ok {
		return number, nil
	}
	if len(c.states) > math.MaxUint16 {
		return dead, errors.New("the patterns need too many states")
	}
	number := uint16(len(c.states))
	var accepted set
	for _, t := range threads {
		if c.programs[t.pattern].Inst[t.pc].Op == syntax.InstMatch {
			accepted |= 1 << t.pattern
		}
	}
	c.numbers[string(key)] = number
	c.states = append(c.states, state{accepted: accepted})
	return number, c.follow(number, threads)
}
