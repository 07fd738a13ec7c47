package coding

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		lines []string
		want  Coding
		ok    bool
	}{
		{"none", nil, Identity, true},
		{"identity", []string{"identity"}, Identity, true},
		{"gzip in any case", []string{"GZip"}, Gzip, true},
		{"its old name", []string{"x-gzip"}, Gzip, true},
		{"zstd", []string{"zstd"}, Zstd, true},
		{"empty members", []string{"", " , gzip"}, Gzip, true},
		{"identity beside another", []string{"gzip, identity"}, Gzip, true},
		{"two codings", []string{"gzip, zstd"}, Identity, false},
		{"two codings on two lines", []string{"gzip", "gzip"}, Identity, false},
		{"a coding that can't be unpacked", []string{"br"}, Identity, false},
		{"one of those beside another", []string{"gzip", "br"}, Identity, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got, ok := Of(tt.lines); got != tt.want || ok != tt.ok {
				t.Errorf("Of(%q) = %v, %v, want %v, %v", tt.lines, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestAcceptable(t *testing.T) {
	for _, tt := range []struct {
		rule, accept, encoding string
		want                   bool
	}{
		{"who says nothing gets what is not packed", "", "", true},
		{"who says nothing gets nothing packed", "", "gzip", false},
		{"what is named", "gzip", "gzip", true},
		{"another name of it", "br, X-GZip", "gzip", true},
		{"another coding", "br, zstd", "gzip", false},
		{"what is not packed, beside what is named", "gzip", "", true},
		{"an empty member names nothing", ", identity;q=0", "", false},
		{"any weight above 0", "gzip; q=0.001", "gzip", true},
		{"no weight", "gzip;", "gzip", true},
		{"a weight of 0", "gzip;q=0.000", "gzip", false},
		{"not packed is refused", "identity;q=0", "identity", false},
		{"a star", "*", "zstd", true},
		{"a star of 0", "*;q=0", "", false},
		{"a star is not what is named before it", "gzip, *;q=0", "gzip", true},
		{"nor what is named behind it", "*, gzip;q=0", "gzip", false},
		{"a refusal before a star holds", "gzip;q=0, *", "gzip", false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := Acceptable([]string{tt.accept}, []string{tt.encoding}); got != tt.want {
				t.Errorf("Accept-Encoding %q, Content-Encoding %q: %v, want %v", tt.accept, tt.encoding, got, tt.want)
			}
		})
	}
	if !Acceptable([]string{"br", "gzip"}, []string{"gzip"}) {
		t.Error("a second line is not read")
	}
}

// packed packs a text; frames that are streamed don't state their size.
func packed(t testing.TB, how, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	switch how {
	case "gzip":
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
	case "zstd", "streamed zstd":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if how == "zstd" {
			return w.EncodeAll([]byte(text), nil)
		}
		_, _ = w.Write([]byte(text))
		_ = w.Flush()
		_ = w.Close()
	default:
		return []byte(text)
	}
	return b.Bytes()
}

// ways are the ways of packing a body.
var ways = map[string]Coding{"identity": Identity, "gzip": Gzip, "zstd": Zstd, "streamed zstd": Zstd}

func TestUnpackStopsAtItsLimit(t *testing.T) {
	const limit = 1 << 10
	for how, c := range ways {
		t.Run(how, func(t *testing.T) {
			for _, tt := range []struct {
				size int
				want error
			}{{limit, nil}, {limit + 1, ErrTooLarge}, {64 << 20, ErrTooLarge}} {
				text := strings.Repeat("x", tt.size)
				src := packed(t, how, text)
				for _, room := range []int{0, limit / 2, limit, limit + 1, limit + maxBlock, 4 * maxBlock} {
					dst := make([]byte, 3, 3+room) // what is in it is not part of it
					err := c.Unpack(&dst, src, limit)
					if !errors.Is(err, tt.want) || err == nil && string(dst) != text {
						t.Errorf("%d bytes into room for %d: error %v, %d bytes, want error %v", tt.size, room, err, len(dst), tt.want)
					}
					if most := max(3+room, 64*limit+maxBlock); cap(dst) > most {
						t.Errorf("%d bytes into room for %d: %d bytes were held for a limit of %d", tt.size, room, cap(dst), limit)
					}
				}
			}
		})
	}
}

func TestABodyThatTellsItsSizeDoesNotGrow(t *testing.T) {
	const size = 64 << 10
	for how, c := range ways {
		if how == "streamed zstd" {
			continue // it states none
		}
		var dst []byte
		if err := c.Unpack(&dst, packed(t, how, strings.Repeat("x", size)), 16*size); err != nil {
			t.Fatal(err)
		}
		if most := size + 2*bytes.MinRead; len(dst) != size || cap(dst) > most {
			t.Errorf("%s: %d bytes in room for %d, which is more than %d", how, len(dst), cap(dst), most)
		}
	}
}

// TestAHighLimitTakesNoMemory holds that memory is taken for what is unpacked and not for
// the limit: a limit of 1 TiB, the highest that can be configured, is as good as none.
func TestAHighLimitTakesNoMemory(t *testing.T) {
	for how, c := range ways {
		for _, size := range []int{1 << 10, 1 << 20} {
			text := strings.Repeat("text", size/4)
			var dst []byte
			if err := c.Unpack(&dst, packed(t, how, text), 1<<40); err != nil || string(dst) != text {
				t.Fatalf("%s: error %v, another text", how, err)
			}
			if most := growth * max(size, leastRoom); cap(dst) > most {
				t.Errorf("%s: %d bytes are held in %d, which is more than %d", how, len(dst), cap(dst), most)
			}
		}
	}
}

func TestWhatIsBrokenIsNotTooLarge(t *testing.T) {
	for how, c := range ways {
		if c == Identity {
			continue
		}
		good := packed(t, how, strings.Repeat("text ", 100))
		for rule, src := range map[string][]byte{
			"nothing": nil, "cut short": good[:len(good)/2], "text": []byte("text"), "text behind it": slices.Concat(good, []byte("text")),
		} {
			t.Run(how+" "+rule, func(t *testing.T) {
				var dst []byte
				err := c.Unpack(&dst, src, 1<<10)
				if len(src) == 0 && c == Zstd { // no frame is a stream of none
					return
				}
				if err == nil || errors.Is(err, ErrTooLarge) {
					t.Errorf("error %v", err)
				}
				dst = nil // a decoder that is used again works like a new one
				if err := c.Unpack(&dst, good, 1<<10); err != nil || len(dst) != 500 {
					t.Errorf("after that: error %v, %d bytes", err, len(dst))
				}
			})
		}
	}
}

// TestASizeThatIsALieIsAHint holds that the size that a body claims takes no memory
// beyond the limit, and that its real size counts.
func TestASizeThatIsALieIsAHint(t *testing.T) {
	const limit = 1 << 10
	for _, size := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
		src := packed(t, "gzip", "text")
		binary.LittleEndian.PutUint32(src[len(src)-4:], size)
		var dst []byte
		if err := Gzip.Unpack(&dst, src, limit); err == nil || errors.Is(err, ErrTooLarge) || cap(dst) > 4*limit {
			t.Errorf("size %d: error %v, %d bytes held", size, err, cap(dst))
		}
	}
	// A frame of one segment with a size of 8 bytes, RFC 8878 section 3.1.1.1.
	src := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0b11100000}, bytes.Repeat([]byte{0xff}, 8)...)
	var dst []byte
	if err := Zstd.Unpack(&dst, src, limit); err == nil || cap(dst) > limit+2*maxBlock {
		t.Errorf("a frame of 2^64-1 bytes: error %v, %d bytes held", err, cap(dst))
	}
}

func TestBodiesAreUnpackedAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for i := range 16 {
		for how, c := range ways {
			text := strings.Repeat(fmt.Sprint(i, how), 1000)
			src := packed(t, how, text)
			all.Go(func() {
				var dst []byte
				for range 20 {
					if err := c.Unpack(&dst, src, 1<<20); err != nil || string(dst) != text {
						t.Errorf("%s: error %v, another text", how, err)
					}
				}
			})
		}
	}
	all.Wait()
}

// FuzzUnpack holds that bodies are unpacked as they are when their streams are
// read one after another, a little at a time, and not beyond the limit.
func FuzzUnpack(f *testing.F) {
	text := strings.Repeat("text ", 100)
	for how, c := range ways {
		if c == Identity {
			continue
		}
		f.Add(c == Gzip, packed(f, how, text), uint16(4096))
		f.Add(c == Gzip, packed(f, how, text), uint16(100))
		f.Add(c == Gzip, append(packed(f, how, text), packed(f, how, "")...), uint16(len(text)))
		f.Add(c == Gzip, packed(f, how, strings.Repeat(" ", 1<<20)), uint16(1<<10))
	}
	f.Fuzz(func(t *testing.T, isGzip bool, src []byte, most uint16) {
		limit, c := int64(most), Zstd
		if isGzip {
			c = Gzip
		}
		var dst []byte
		err := c.Unpack(&dst, src, limit)
		// The block that is too much for the room is held once, and grows it.
		if int64(cap(dst)) > 2*(limit+maxBlock+bytes.MinRead) {
			t.Errorf("%d bytes were held for a limit of %d", cap(dst), limit)
		}
		want, wantErr := unpackSlowly(isGzip, src, limit+1)
		switch {
		case err == nil && int64(len(dst)) > limit:
			t.Errorf("%d bytes were unpacked, the limit is %d", len(dst), limit)
		case int64(len(want)) > limit:
			if err == nil {
				t.Errorf("%d bytes were unpacked of more than %d", len(dst), limit)
			}
			if wantErr == nil && isGzip && !errors.Is(err, ErrTooLarge) {
				t.Errorf("more than %d bytes are %v", limit, err)
			}
		case (err == nil) != (wantErr == nil):
			t.Errorf("error %v, want %v", err, wantErr)
		case err == nil && !bytes.Equal(dst, want):
			t.Errorf("unpacked was %q, want %q", dst, want)
		}
	})
}

// unpackSlowly unpacks as much as limit bytes, a stream at a time.
func unpackSlowly(isGzip bool, src []byte, limit int64) (out []byte, err error) {
	if !isGzip {
		z, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(io.LimitReader(z, limit))
	}
	rest := bytes.NewReader(src)
	for {
		z, err := gzip.NewReader(rest)
		if err != nil {
			return out, err
		}
		z.Multistream(false)
		member, err := io.ReadAll(io.LimitReader(z, limit-int64(len(out))))
		out = append(out, member...)
		if err != nil || int64(len(out)) == limit || rest.Len() == 0 {
			return out, err
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	text := strings.Repeat(`{"id":"abc","displayName":"Ann Other"}`, 50)
	for how, c := range ways {
		b.Run(how, func(b *testing.B) {
			src := packed(b, how, text)
			var dst []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Unpack(&dst, src, 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
