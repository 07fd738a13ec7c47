package buffer

import "testing"

func TestABufferIsEmptyAndHasRoom(t *testing.T) {
	for _, size := range []int{0, 1, 100, 10_000, 100, 0} {
		b := Take(size)
		if len(*b) != 0 || cap(*b) < size {
			t.Errorf("Take(%d): length %d, capacity %d", size, len(*b), cap(*b))
		}
		*b = append(*b, "what the one before left"...)
		Give(b)
	}
}

func TestReserveKeepsTheRoomThereIs(t *testing.T) {
	b := make([]byte, 5, 100)
	first := &b[0]
	if Reserve(&b, 100); len(b) != 0 || &b[:1][0] != first {
		t.Error("a buffer that has the room was replaced")
	}
	if Reserve(&b, 101); len(b) != 0 || cap(b) < 101 {
		t.Errorf("length %d, capacity %d, want room for 101", len(b), cap(b))
	}
}

func TestBuffersThatGrewLargeAreLetGo(t *testing.T) {
	for range 10 {
		b := Take(0)
		*b = make([]byte, 0, MaxPooled+1)
		Give(b)
	}
	for range 100 {
		b := Take(0)
		defer Give(b)
		if cap(*b) > MaxPooled {
			t.Fatalf("a buffer of %d bytes came back", cap(*b))
		}
	}
}

func TestWhatIsTakenIsCountedUntilItIsGivenBack(t *testing.T) {
	before := Taken()
	small, large := Take(1), Take(2*MaxPooled)
	if n := Taken() - before; n != 2 {
		t.Errorf("%d are counted, 2 were taken", n)
	}
	Give(large)
	Give(small)
	if n := Taken() - before; n != 0 {
		t.Errorf("%d are counted, all were given back", n)
	}
}

// BenchmarkTake measures what it costs to take a buffer and give it back.
func BenchmarkTake(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			Give(Take(1 << 10))
		}
	})
}
