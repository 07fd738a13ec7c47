// Package coding unpacks the content codings of bodies (RFC 9110 section 8.4.1), up
// to a limit.
package coding

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
)

// Coding is a content coding that can be unpacked.
type Coding uint8

// The codings.
const (
	Identity Coding = iota
	Gzip
	Zstd
)

// Accepted is the Accept-Encoding of a client that unpacks these.
const Accepted = "gzip, zstd"

// Acceptable reports whether a client with these lines of Accept-Encoding takes the
// coding that the lines of Content-Encoding name. A coding other than identity has to be
// named, by itself or by *: a client that names none may be unable to unpack it.
func Acceptable(accept, encoding []string) bool {
	want, _ := Of(encoding)
	ok, named := want == Identity, false
	for _, line := range accept {
		for member := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(member, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			c, known := names[name]
			this := name != "" && known && c == want
			if this || name == "*" && !named { // RFC 9110 section 12.5.3: * stands for every coding that is not listed
				_, q, _ := strings.Cut(strings.ReplaceAll(weight, " ", ""), "=")
				ok = strings.Trim(q, "0.") != "" || q == ""
			}
			named = named || this
		}
	}
	return ok
}

// ErrTooLarge is what unpacking returns for a body that unpacks to more than the
// limit.
var ErrTooLarge = errors.New("larger than the limit")

// maxWindow is the largest window in bytes that a zstd frame may ask for (RFC
// 9659 section 3). None is allocated: a body is unpacked in one piece. maxBlock
// is its largest block (RFC 8878 section 3.1.1.2.4), and maxRatio the bytes of such a
// block for each of the four that it takes at least; gzip packs less.
const (
	maxWindow = 8 << 20
	maxBlock  = 128 << 10
	maxRatio  = maxBlock / 4
)

// growth is how many times as much room the next attempt at a frame of unknown size has:
// 512 KiB at the second, and 16 MiB at the third.
const (
	growth    = 32
	leastRoom = 16 << 10
)

// names are the registered names, and the old one of gzip (RFC 9110 section
// 8.4.1.3).
var names = map[string]Coding{"": Identity, "identity": Identity, "gzip": Gzip, "x-gzip": Gzip, "zstd": Zstd}

// Of returns the one coding that the lines of Content-Encoding name. ok is false
// if it can't be unpacked, or if there are several in a row.
func Of(lines []string) (c Coding, ok bool) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			this, known := names[strings.ToLower(strings.TrimSpace(name))]
			switch {
			case !known, c != Identity && this != Identity:
				return Identity, false
			case this != Identity:
				c = this
			}
		}
	}
	return c, true
}

// Unpack replaces what dst holds by what src unpacks to, at most limit bytes.
// The error is [ErrTooLarge] if there is more, and any other if src is not what
// it says it is. If src states its size, dst does not grow while it is unpacked.
func (c Coding) Unpack(dst *[]byte, src []byte, limit int64) error {
	buffer.Reserve(dst, int(min(c.unpackedSize(src), int64(len(src))*maxRatio, limit))+bytes.MinRead)
	switch c {
	case Gzip:
		return gunzip(dst, src, limit)
	case Zstd:
		return unzstd(dst, src, limit)
	case Identity:
		if int64(len(src)) > limit {
			return ErrTooLarge
		}
		*dst = append(*dst, src...)
	}
	return nil
}

// unpackedSize returns how many bytes src says that it unpacks to, or 0 if it does not
// say. It may be wrong.
func (c Coding) unpackedSize(src []byte) int64 {
	switch c {
	case Gzip: // RFC 1952 section 2.3.1, ISIZE
		var size [4]byte
		copy(size[:], src[max(len(src)-len(size), 0):])
		return int64(binary.LittleEndian.Uint32(size[:]))
	case Zstd: // RFC 8878 section 3.1.1.1.4, Frame_Content_Size
		var h zstd.Header
		if h.Decode(src) == nil && h.HasFCS {
			return int64(min(h.FrameContentSize, math.MaxInt64))
		}
	case Identity:
		return int64(len(src))
	}
	return 0
}

// gunzipper is a gzip reader and its source.
type gunzipper struct {
	src bytes.Reader
	gzip.Reader
}

var gunzippers = sync.Pool{New: func() any { return new(gunzipper) }}

// gunzip unpacks one or more gzip members, RFC 1952 section 2.2, with nothing
// after them. The standard library's reader is not the fastest, but it returns
// an error for a member that breaks off in its header.
func gunzip(dst *[]byte, src []byte, limit int64) error {
	z := gunzippers.Get().(*gunzipper) //nolint:forcetypeassert // the pool holds nothing else
	defer gunzippers.Put(z)
	defer z.src.Reset(nil) // src is not ours to keep
	z.src.Reset(src)
	if err := z.Reset(&z.src); err != nil {
		return err
	}
	b := bytes.NewBuffer(*dst)
	n, err := b.ReadFrom(io.LimitReader(z, limit+1))
	*dst = b.Bytes()
	if n > limit { // whatever follows
		return ErrTooLarge
	}
	return err
}

// unzstdder unpacks zstd. It is made with the first body that needs it, starts
// no goroutine, and serves any number of them at once.
var unzstdder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0), // one for each processor
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow),
		// The room in dst limits what is unpacked. The memory option would limit
		// the window too, and a small body may well declare one of megabytes.
		zstd.WithDecodeAllCapLimit(true))
})

// unzstd unpacks one or more zstd frames, RFC 8878 section 3. A frame need not say how
// much it holds, so there is more room at each attempt.
func unzstd(dst *[]byte, src []byte, limit int64) error {
	z, err := unzstdder()
	if err != nil {
		return err
	}
	// A block that does not fit is refused whole, so that there has to be room
	// for one beyond the limit: what is larger is known by its length.
	most := int(limit) + maxBlock
	room := (*dst)[:0:min(cap(*dst), most)]
	for {
		*dst, err = z.DecodeAll(src, room)
		tooLarge := errors.Is(err, zstd.ErrDecoderSizeExceeded)
		if tooLarge && cap(room) == most || int64(len(*dst)) > limit {
			return ErrTooLarge
		}
		// What does not fit is an error of more than one kind.
		if err == nil || cap(room) == most || !tooLarge && cap(room)-len(*dst) >= maxBlock {
			return err
		}
		room = make([]byte, 0, min(growth*max(cap(room), leastRoom), most))
	}
}
