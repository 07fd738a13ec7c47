package handler

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a content coding of an answer (RFC 9110 section 8.4.1).
type coding uint8

// The codings that can be decoded.
const (
	identity coding = iota
	gzipped
	zstandard
)

// errTooLarge is what decoding returns for more than it may unpack.
var errTooLarge = errors.New("larger than the limit")

// maxZstdWindow is the largest window in bytes that a zstd frame may ask for:
// the 8 MiB that RFC 8878 section 3.1.1.1.2 advises every decoder to support.
// maxZstdBlock is its largest block (section 3.1.1.2.4).
const (
	maxZstdWindow = 8 << 20
	maxZstdBlock  = 128 << 10
)

// codingOf returns the one coding that Content-Encoding names; ok is false if
// it can't be decoded.
func codingOf(lines []string) (c coding, ok bool) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			var this coding
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "", "identity":
				continue
			case "gzip", "x-gzip":
				this = gzipped
			case "zstd":
				this = zstandard
			default:
				return identity, false
			}
			if c != identity { // coded twice
				return identity, false
			}
			c = this
		}
	}
	return c, true
}

// unpackedSize is how many bytes src says that it unpacks to, as a hint: what is
// said may be wrong, and 0 means that nothing is said.
func (c coding) unpackedSize(src []byte) int64 {
	switch c {
	case gzipped: // RFC 1952 section 2.3.1, ISIZE
		if len(src) >= 4 {
			return int64(binary.LittleEndian.Uint32(src[len(src)-4:]))
		}
	case zstandard: // RFC 8878 section 3.1.1.1.4, Frame_Content_Size
		var h zstd.Header
		if h.Decode(src) == nil && h.HasFCS && h.FrameContentSize <= math.MaxInt64 {
			return int64(h.FrameContentSize)
		}
	case identity:
		return int64(len(src))
	}
	return 0
}

// decode appends to dst what src unpacks to, at most limit bytes. If dst has room
// for all of it, it does not grow.
func (c coding) decode(dst *[]byte, src []byte, limit int64) error {
	switch c {
	case gzipped:
		return gunzip(dst, src, limit)
	case zstandard:
		err := unzstd(dst, src)
		if err != nil && int64(cap(*dst)) <= limit {
			// A frame need not say how much it holds, and what there is no room
			// for is an error of more than one kind.
			*dst = make([]byte, 0, limit+maxZstdBlock)
			err = unzstd(dst, src)
		}
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || int64(len(*dst)) > limit {
			return errTooLarge
		}
		return err
	case identity:
		*dst = append(*dst, src...)
	}
	return nil
}

// gunzip appends what src unpacks to.
func gunzip(dst *[]byte, src []byte, limit int64) error {
	z, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return err
	}
	defer z.Close()
	b := bytes.NewBuffer(*dst)
	n, err := b.ReadFrom(io.LimitReader(z, limit+1))
	*dst = b.Bytes()
	if err == nil && n > limit {
		return errTooLarge
	}
	return err
}

// unzstd appends what src unpacks to, as far as dst has room. A block that does
// not fit is refused whole.
func unzstd(dst *[]byte, src []byte) error {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return err
	}
	defer z.Close()
	*dst, err = z.DecodeAll(src, *dst)
	return err
}
